// Batch norm in training with the ReLU that follows it, and its way back, each in
// as few walks over the pictures as there can be.
#ifndef FAIRD_NORM_H
#define FAIRD_NORM_H

#include <stddef.h>

#include "convolution.h"

// faird_norm is y = max(0, scale (x - mean) / sqrt(variance + epsilon) + bias) for
// each channel of x [n, channels, pixels], by the batch's own mean and (biased)
// variance, which it gives; the others are [channels].
typedef struct {
	size_t n, channels, pixels;
	float epsilon;
	const float *x, *scale, *bias;
	float *y, *mean, *variance;
} faird_norm;

void faird_norm_run(const faird_pool *pool, const faird_norm *f);

// faird_norm_back gives the gradients of x, scale and bias for the gradient dy of
// y. The ReLU's gradient at zero is zero.
typedef struct {
	size_t n, channels, pixels;
	float epsilon;
	const float *x, *dy, *scale, *bias, *mean, *variance;
	float *dx, *dscale, *dbias;
} faird_norm_back;

void faird_norm_back_run(const faird_pool *pool, const faird_norm_back *b);

#endif
