#include "bytes.h"

#include <string.h>

#include "vectors.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

// byte_loops are one processor's copies.
typedef struct {
	void (*first)(const faird_first *f, const float *rows[3][FEW], float inverse, uint8_t *y);
	void (*planes)(const faird_last *l, const uint8_t *x, float *to, size_t wide);
	void (*last)(const faird_last *l, float *rows[3], size_t wide, float *y, size_t stride);
	void (*doubled)(const faird_double *d, const uint8_t *above, const uint8_t *below, float down, uint8_t *y);
} byte_loops;

#define BODY "bytes_body.h"
#include "each_kind.h"

static const byte_loops *best(void) { return BEST(byte_loops); }

// ---- the first convolution ----

size_t faird_first_prepared(size_t in, size_t out) { return in * 9 * round_up(out, PANEL); }

// u[in][tap][out].
void faird_first_prepare(size_t in, size_t out, const float *weights, float *u) {
	size_t wide = round_up(out, PANEL);
	for (size_t i = 0; i < in; i++)
		for (size_t tap = 0; tap < 9; tap++)
			for (size_t o = 0; o < wide; o++) u[(i * 9 + tap) * wide + o] = o < out ? weights[(o * in + i) * 9 + tap] : 0;
}

enum { CHUNK = 512 }; // pixels of a row that are looked at together

static void first_row(void *data, size_t row) {
	const faird_first *f = data;
	size_t picture = row / f->h, y = row % f->h;
	float padded[3][FEW][CHUNK + 2];
	const float *rows[3][FEW];
	for (size_t at = 0; at < f->w; at += CHUNK) {
		faird_first part = *f;
		part.w = smaller(CHUNK, f->w - at);
		for (size_t j = 0; j < 3; j++)
			for (size_t i = 0; i < f->in; i++) {
				float *to = padded[j][i];
				rows[j][i] = to;
				memset(to, 0, (part.w + 2) * sizeof(float));
				if (y + j < 1 || y + j > f->h) continue;
				const float *from = f->x + ((picture * f->in + i) * f->h + y + j - 1) * f->w;
				size_t before = at > 0, behind = at + part.w < f->w;
				memcpy(to + 1 - before, from + at - before, (part.w + before + behind) * sizeof(float));
			}
		best()->first(&part, rows, 1 / f->steps.scale, f->y + ((picture * f->h + y) * f->w + at) * f->out);
	}
}

void faird_first_run(const faird_pool *pool, const faird_first *f) {
	pool->run(pool->context, first_row, f->n * f->h, (void *)f);
}

// ---- the last convolution ----

size_t faird_last_prepared(size_t in, size_t out) { return (void)out, in * 9 * 4; }

// u[in][tap][4 out].
void faird_last_prepare(size_t in, size_t out, const float *weights, float *u) {
	for (size_t i = 0; i < in; i++)
		for (size_t tap = 0; tap < 9; tap++)
			for (size_t o = 0; o < 4; o++) u[(i * 9 + tap) * 4 + o] = o < out ? weights[(o * in + i) * 9 + tap] : 0;
}

enum { ROWS_A_TASK = 16 };

typedef struct {
	const faird_last *l;
	size_t wide, blocks, workers;
	float *scratch;
} last_work;

static last_work cut(const faird_pool *pool, const faird_last *l) {
	last_work w = {l, round_up(l->w, 2 * PANEL) + 4, (l->h + ROWS_A_TASK - 1) / ROWS_A_TASK, 0, NULL};
	w.workers = smaller(larger(1, pool->threads), l->n * w.blocks);
	return w;
}

size_t faird_last_scratch(const faird_pool *pool, const faird_last *l) {
	last_work w = cut(pool, l);
	return w.workers * 3 * l->in * w.wide;
}

// last_block is a block of rows. Three rows of numbers are kept, the oldest of
// which makes room for the next.
static void last_block(const last_work *w, size_t block, float *scratch) {
	const faird_last *l = w->l;
	size_t picture = block / w->blocks, from = block % w->blocks * ROWS_A_TASK, to = smaller(from + ROWS_A_TASK, l->h);
	size_t plane = l->in * w->wide;
	for (size_t y = from; y < to + 2; y++) { // row y - 1 of the picture goes to y % 3
		float *row = scratch + y % 3 * plane;
		if (y < 1 || y > l->h)
			memset(row, 0, plane * sizeof(float));
		else
			best()->planes(l, l->x + ((picture * l->h + y - 1) * l->w) * l->in, row, w->wide);
		if (y < from + 2) continue;
		float *rows[3] = {scratch + (y - 2) % 3 * plane, scratch + (y - 1) % 3 * plane, row};
		best()->last(l, rows, w->wide, l->y + (picture * l->out * l->h + y - 2) * l->w, l->h * l->w);
	}
}

static void last_worker(void *data, size_t worker) {
	const last_work *w = data;
	float *scratch = w->scratch + worker * 3 * w->l->in * w->wide;
	memset(scratch, 0, 3 * w->l->in * w->wide * sizeof(float)); // what lies before and behind the rows
	for (size_t block = worker; block < w->l->n * w->blocks; block += w->workers) last_block(w, block, scratch);
}

void faird_last_run(const faird_pool *pool, const faird_last *l, float *scratch) {
	last_work w = cut(pool, l);
	w.scratch = scratch;
	pool->run(pool->context, last_worker, w.workers, &w);
}

// ---- doubling ----

static void double_row(void *data, size_t row) {
	const faird_double *d = data;
	size_t picture = row / (2 * d->h), y = row % (2 * d->h);
	float at = d->h < 2 ? 0 : (float)y * (float)(d->h - 1) / (float)(2 * d->h - 1);
	size_t above = (size_t)at, below = above + 1 < d->h ? above + 1 : above;
	const uint8_t *x = d->x + picture * d->h * d->w * d->channels;
	best()->doubled(d, x + above * d->w * d->channels, x + below * d->w * d->channels, at - (float)above,
		d->y + (picture * 2 * d->h + y) * 2 * d->w * d->channels);
}

void faird_double_run(const faird_pool *pool, const faird_double *d) {
	pool->run(pool->context, double_row, d->n * 2 * d->h, (void *)d);
}
