// Convolutions 3x3 with zero padding of one pixel, by Winograd's minimal
// filtering F(4x4, 3x3) (Lavin and Gray 2016): a quarter of the products that
// the definition asks for. Pictures are [n, channels, h, w], weights
// [out, in, 3, 3], all of any size.
#ifndef FAIRD_CONVOLUTION_H
#define FAIRD_CONVOLUTION_H

#include <stddef.h>

// faird_pool runs task(data, i) for every i below n, on as many threads as it has.
typedef struct {
	void (*run)(void *context, void (*task)(void *data, size_t i), size_t n, void *data);
	void *context;
	size_t threads; // that may run at a time; more are harmless
} faird_pool;

// faird_conv is one convolution: y = x * weights + bias, then ReLU where asked for.
typedef struct {
	size_t n, in, out, h, w;
	const float *x;     // [n, in, h, w]
	const float *u;     // weights, prepared by faird_conv_prepare
	const float *bias;  // [out]; NULL is none
	const float *skip;  // [n, out, h, w], added after the ReLU; NULL is none
	int relu;
	float *y;           // [n, out, h, w]
} faird_conv;

// faird_conv_prepared is how many floats the prepared weights take.
size_t faird_conv_prepared(size_t in, size_t out);

// faird_conv_prepare makes u of weights [out, in, 3, 3]. Where turned is set,
// weights are [in, out, 3, 3] and are those of the convolution whose input's
// gradient is asked for: kernels half a turn, channels swapped.
void faird_conv_prepare(const faird_pool *pool, size_t in, size_t out, const float *weights, int turned, float *u);

// faird_conv_scratch is how many floats faird_conv_run needs beside.
size_t faird_conv_scratch(const faird_pool *pool, const faird_conv *c);
void faird_conv_run(const faird_pool *pool, const faird_conv *c, float *scratch);

// faird_conv_weights gives the gradient dw [out, in, 3, 3] of the weights of a
// convolution of x [n, in, h, w] whose result has the gradient dy [n, out, h, w].
// The same sums are made in the same order whatever the number of threads.
typedef struct {
	size_t n, in, out, h, w;
	const float *x, *dy;
	float *dw;
} faird_conv_gradient;

size_t faird_conv_weights_scratch(const faird_conv_gradient *c);
void faird_conv_weights(const faird_pool *pool, const faird_conv_gradient *c, float *scratch);

#endif
