// What a network in 8 bits has in float32 around its convolutions: pictures are
// bytes [n, h, w, channels], a byte q being (q - zero) * scale.
#ifndef FAIRD_BYTES_H
#define FAIRD_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "convolution.h"

typedef struct {
	float scale;
	uint8_t zero;
} faird_steps;

// faird_first is a convolution 3x3 of x [n, in, h, w] in float32, then ReLU, to
// bytes y [n, h, w, out].
typedef struct {
	size_t n, in, out, h, w;
	const float *x, *u, *bias; // u: weights by faird_first_prepare; bias [out] or NULL
	faird_steps steps;
	uint8_t *y;
} faird_first;

size_t faird_first_prepared(size_t in, size_t out);
void faird_first_prepare(size_t in, size_t out, const float *weights, float *u);
void faird_first_run(const faird_pool *pool, const faird_first *f);

// faird_last is a convolution 3x3 of bytes x [n, h, w, in] to y [n, out, h, w] in
// float32. u are weights by faird_last_prepare.
typedef struct {
	size_t n, in, out, h, w;
	const uint8_t *x;
	faird_steps steps;
	const float *u, *bias;
	float *y;
} faird_last;

size_t faird_last_prepared(size_t in, size_t out);
void faird_last_prepare(size_t in, size_t out, const float *weights, float *u);
size_t faird_last_scratch(const faird_pool *pool, const faird_last *l);
void faird_last_run(const faird_pool *pool, const faird_last *l, float *scratch);

// faird_double doubles height and width of bytes x [n, h, w, channels], bilinear
// with the corners aligned, from one kind of steps to another.
typedef struct {
	size_t n, channels, h, w;
	const uint8_t *x;
	faird_steps from, to;
	uint8_t *y; // [n, 2h, 2w, channels]
} faird_double;

void faird_double_run(const faird_pool *pool, const faird_double *d);

#endif
