#include "norm.h"

#include <math.h>

#include "vectors.h"

// norm_loops are one processor's copies.
typedef struct {
	double (*sum)(const float *x, size_t n);
	double (*squares)(const float *x, size_t n, float mean);
	void (*line)(const float *x, size_t n, float mean, float slope, float bias, float *y);
	void (*moments)(const float *x, const float *dy, size_t n, float mean, float slope, float bias, double *sum, double *product);
	void (*gradient)(const float *x, const float *dy, size_t n, float mean, float slope, float bias, float shift, float tilt, float *dx);
} norm_loops;

#define BODY "norm_body.h"
#include "each_kind.h"

static const norm_loops *best(void) { return BEST(norm_loops); }

static void norm_channel(void *data, size_t c) {
	const faird_norm *f = data;
	const norm_loops *l = best();
	double count = (double)(f->n * f->pixels), sum = 0, squares = 0;
	for (size_t k = 0; k < f->n; k++) sum += l->sum(f->x + (k * f->channels + c) * f->pixels, f->pixels);
	float mean = (float)(sum / count);
	for (size_t k = 0; k < f->n; k++) squares += l->squares(f->x + (k * f->channels + c) * f->pixels, f->pixels, mean);
	f->mean[c] = mean;
	f->variance[c] = (float)(squares / count);
	float slope = f->scale[c] / sqrtf(f->variance[c] + f->epsilon);
	for (size_t k = 0; k < f->n; k++) {
		size_t at = (k * f->channels + c) * f->pixels;
		l->line(f->x + at, f->pixels, mean, slope, f->bias[c], f->y + at);
	}
}

void faird_norm_run(const faird_pool *pool, const faird_norm *f) { pool->run(pool->context, norm_channel, f->channels, (void *)f); }

// With d = x - mean, v = 1/sqrt(variance + epsilon), g what the ReLU lets through
// and means over the batch: dx = scale v (g - mean(g) - d v^2 mean(g d)).
static void norm_back_channel(void *data, size_t c) {
	const faird_norm_back *b = data;
	const norm_loops *l = best();
	double count = (double)(b->n * b->pixels), sum = 0, product = 0;
	float v = 1 / sqrtf(b->variance[c] + b->epsilon), slope = b->scale[c] / sqrtf(b->variance[c] + b->epsilon); // as forward, so that the ReLU turns where it did
	for (size_t k = 0; k < b->n; k++) {
		size_t at = (k * b->channels + c) * b->pixels;
		l->moments(b->x + at, b->dy + at, b->pixels, b->mean[c], slope, b->bias[c], &sum, &product);
	}
	b->dbias[c] = (float)sum;
	b->dscale[c] = (float)(product * (double)v);
	float shift = (float)(-(double)slope * sum / count), tilt = (float)(-(double)slope * (double)v * (double)v * product / count);
	for (size_t k = 0; k < b->n; k++) {
		size_t at = (k * b->channels + c) * b->pixels;
		l->gradient(b->x + at, b->dy + at, b->pixels, b->mean[c], slope, b->bias[c], shift, tilt, b->dx + at);
	}
}

void faird_norm_back_run(const faird_pool *pool, const faird_norm_back *b) { pool->run(pool->context, norm_back_channel, b->channels, (void *)b); }
