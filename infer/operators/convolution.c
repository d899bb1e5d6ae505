#include "convolution.h"

#include <stdatomic.h>
#include <string.h>

#include "vectors.h"

enum {
	GROUP = 16,           // results that share prepared weights
	POINTS = 36,          // products of a tile
	NEAR = 96 << 10,      // floats that a thread keeps near (384 KB: half of a usual second-level cache)
	BLOCK = 8,            // rows and
	CHUNK = 256,          // columns that the definition is followed for at a time
	SHARED = 1 << 20,     // floats that all threads together work on at a time (4 MB)
};

// tiling is how the 4x4 results of a picture are numbered: along its rows, from
// left to right.
typedef struct {
	size_t h, w;
	size_t down, across; // tiles
	size_t panels;       // of a picture
} tiling;

static tiling tiles(size_t h, size_t w) {
	tiling t = {h, w, (h + 3) / 4, (w + 3) / 4, 0};
	t.panels = (t.down * t.across + PANEL - 1) / PANEL;
	return t;
}

// run is tiles of a panel that lie side by side: count of them from tile (y, x),
// the first in lane.
typedef struct {
	ptrdiff_t y, x;
	int lane, count;
} run;

INLINE run run_at(const tiling *t, size_t tile, int lane) {
	size_t all = t->down * t->across;
	run r = {(ptrdiff_t)(tile / t->across), (ptrdiff_t)(tile % t->across), lane, 0};
	if (lane >= PANEL || tile >= all) return r;
	size_t left = t->across - (size_t)r.x;
	r.count = left < (size_t)(PANEL - lane) ? (int)left : PANEL - lane;
	return r;
}

INLINE run first_run(const tiling *t, size_t panel) { return run_at(t, panel * PANEL, 0); }

INLINE run next_run(const tiling *t, run r) {
	return run_at(t, (size_t)r.y * t->across + (size_t)r.x + (size_t)r.count, r.lane + r.count);
}

// G of F(4, 3).
static const float G[6][3] = {
	{1.0f / 4, 0, 0},
	{-1.0f / 6, -1.0f / 6, -1.0f / 6},
	{-1.0f / 6, 1.0f / 6, -1.0f / 6},
	{1.0f / 24, 1.0f / 12, 1.0f / 6},
	{1.0f / 24, -1.0f / 12, 1.0f / 6},
	{0, 0, 1},
};

// loops are one processor's copies.
typedef struct {
	void (*read)(const float *plane, const tiling *t, size_t panel, float *v, size_t stride);
	void (*read_gradient)(const float *plane, const tiling *t, size_t panel, float *v, size_t stride);
	void (*write)(const float *m, size_t stride, const tiling *t, size_t panel, float bias, int relu, float *plane, const float *skip);
	void (*product)(size_t in, const float *u, const float *v, float *m);
	void (*turn)(float *d);
	void (*correlate)(size_t panels, const float *v, size_t vstep, const float *d, size_t dstep, float *du);
	void (*prepare)(const float taps[9][GROUP], float *u, size_t stride);
	void (*finish)(const float *du, size_t stride, float taps[9][GROUP]);
	void (*direct)(const faird_conv *c, size_t picture, size_t y);
} loops;

#define BODY "convolution_body.h"
#include "each_kind.h"

static const loops *best(void) { return BEST(loops); }

static int by_definition(size_t in, size_t out) { return in <= FEW || out <= FEW; }

// ---- weights ----

typedef struct {
	size_t in, out;
	const float *weights;
	int turned;
	float *u;
} preparation;

INLINE float weight(const preparation *p, size_t o, size_t i, int tap) {
	return p->turned ? p->weights[(i * p->out + o) * 9 + 8 - (size_t)tap] : p->weights[(o * p->in + i) * 9 + (size_t)tap];
}

// prepare_group makes u[point][group][in][16] of sixteen results: G g G^T.
static void prepare_group(void *data, size_t group) {
	const preparation *p = data;
	size_t stride = round_up(p->out, GROUP) * p->in, first = group * GROUP;
	float taps[9][GROUP] = {{0}};
	for (size_t i = 0; i < p->in; i++) {
		for (size_t k = 0; k < smaller(GROUP, p->out - first); k++)
			for (int tap = 0; tap < 9; tap++) taps[tap][k] = weight(p, first + k, i, tap);
		best()->prepare(taps, p->u + (group * p->in + i) * GROUP, stride);
	}
}

size_t faird_conv_prepared(size_t in, size_t out) {
	return by_definition(in, out) ? round_up(out, 4) * in * 9 : POINTS * round_up(out, GROUP) * in;
}

void faird_conv_prepare(const faird_pool *pool, size_t in, size_t out, const float *weights, int turned, float *u) {
	preparation p = {in, out, weights, turned, u};
	if (!by_definition(in, out)) {
		pool->run(pool->context, prepare_group, round_up(out, GROUP) / GROUP, &p);
		return;
	}
	for (size_t o = 0; o < round_up(out, 4); o++) // u[group of 4][in][9][4]
		for (size_t i = 0; i < in; i++)
			for (int tap = 0; tap < 9; tap++)
				u[((o / 4 * in + i) * 9 + (size_t)tap) * 4 + o % 4] = o < out ? weight(&p, o, i, tap) : 0;
}

// ---- a convolution ----

// work is how a convolution is cut: strips of panels, each transformed,
// multiplied and transformed back. With many strips every thread takes whole
// ones, which then stay in its cache; with few all threads share each.
typedef struct {
	const faird_conv *c;
	const loops *l;
	tiling t;
	size_t groups, panels, strip, strips, workers;
	float *scratch;
	size_t first, count;       // the strip that all threads share
	atomic_size_t next;        // strip that no thread has taken
} work;

static work cut(const faird_pool *pool, const faird_conv *c) {
	work w = {.c = c, .l = best(), .t = tiles(c->h, c->w), .groups = round_up(c->out, GROUP) / GROUP};
	w.panels = c->n * w.t.panels;
	size_t panel = POINTS * PANEL * (c->in + w.groups * GROUP); // floats
	size_t weights = POINTS * w.groups * GROUP * c->in;
	w.strip = larger(1, NEAR / panel);
	w.workers = larger(1, pool->threads);
	// Weights larger than what they are multiplied with are to be read few times.
	if (weights > panel * w.strip * 4 || w.panels / w.strip < 2 * w.workers) {
		w.strip = smaller(larger(1, SHARED / panel), w.panels);
		w.workers = 1;
	}
	w.strips = (w.panels + w.strip - 1) / w.strip;
	w.workers = smaller(w.workers, w.strips);
	return w;
}

size_t faird_conv_scratch(const faird_pool *pool, const faird_conv *c) {
	if (by_definition(c->in, c->out)) return 0;
	work w = cut(pool, c);
	return w.workers * w.strip * POINTS * PANEL * (c->in + w.groups * GROUP);
}

// strip is where a strip's numbers lie: v[point][panel][in][16],
// m[point][panel][out][16].
typedef struct {
	const work *w;
	size_t first, count;
	float *v, *m;
	size_t vstride, mstride; // from point to point
} strip;

static strip strip_of(const work *w, size_t first, size_t count, float *scratch) {
	strip s = {w, first, count, scratch, NULL, count * w->c->in * PANEL, count * w->groups * GROUP * PANEL};
	s.m = scratch + POINTS * s.vstride;
	return s;
}

static void strip_read(const strip *s, size_t i, size_t p) {
	const faird_conv *c = s->w->c;
	size_t panel = s->first + p, picture = panel / s->w->t.panels;
	s->w->l->read(c->x + (picture * c->in + i) * c->h * c->w, &s->w->t, panel % s->w->t.panels, s->v + (p * c->in + i) * PANEL, s->vstride);
}

static void strip_multiply(const strip *s, size_t point, size_t group) {
	size_t in = s->w->c->in, out = s->w->groups * GROUP;
	const float *u = s->w->c->u + (point * out + group * GROUP) * in;
	for (size_t p = 0; p < s->count; p++)
		s->w->l->product(in, u, s->v + point * s->vstride + p * in * PANEL, s->m + point * s->mstride + (p * out + group * GROUP) * PANEL);
}

static void strip_write(const strip *s, size_t o, size_t p) {
	const faird_conv *c = s->w->c;
	size_t panel = s->first + p, picture = panel / s->w->t.panels, plane = (picture * c->out + o) * c->h * c->w;
	s->w->l->write(s->m + (p * s->w->groups * GROUP + o) * PANEL, s->mstride, &s->w->t, panel % s->w->t.panels,
		c->bias ? c->bias[o] : 0, c->relu, c->y + plane, c->skip ? c->skip + plane : NULL);
}

// take_strips is one worker: it takes strips until there are none.
static void take_strips(void *data, size_t worker) {
	work *w = data;
	float *scratch = w->scratch + worker * w->strip * POINTS * PANEL * (w->c->in + w->groups * GROUP);
	for (size_t k; (k = atomic_fetch_add(&w->next, 1)) < w->strips;) {
		strip s = strip_of(w, k * w->strip, smaller(w->strip, w->panels - k * w->strip), scratch);
		for (size_t i = 0; i < w->c->in; i++)
			for (size_t p = 0; p < s.count; p++) strip_read(&s, i, p);
		for (size_t point = 0; point < POINTS; point++)
			for (size_t g = 0; g < w->groups; g++) strip_multiply(&s, point, g);
		for (size_t o = 0; o < w->c->out; o++)
			for (size_t p = 0; p < s.count; p++) strip_write(&s, o, p);
	}
}

// The three steps of a strip that all threads share: a task for each channel,
// for each point, for each result.
static void share_read(void *data, size_t i) {
	const strip *s = data;
	for (size_t p = 0; p < s->count; p++) strip_read(s, i, p);
}

static void share_multiply(void *data, size_t point) {
	const strip *s = data;
	for (size_t g = 0; g < s->w->groups; g++) strip_multiply(s, point, g);
}

static void share_write(void *data, size_t o) {
	const strip *s = data;
	for (size_t p = 0; p < s->count; p++) strip_write(s, o, p);
}

static void definition_block(void *data, size_t block) {
	const work *w = data;
	size_t blocks = (w->c->h + BLOCK - 1) / BLOCK;
	w->l->direct(w->c, block / blocks, block % blocks * BLOCK);
}

void faird_conv_run(const faird_pool *pool, const faird_conv *c, float *scratch) {
	work w = cut(pool, c);
	w.scratch = scratch;
	if (by_definition(c->in, c->out)) {
		pool->run(pool->context, definition_block, c->n * ((c->h + BLOCK - 1) / BLOCK), &w);
		return;
	}
	if (w.workers > 1) {
		pool->run(pool->context, take_strips, w.workers, &w);
		return;
	}
	for (size_t first = 0; first < w.panels; first += w.strip) {
		strip s = strip_of(&w, first, smaller(w.strip, w.panels - first), scratch);
		pool->run(pool->context, share_read, c->in, &s);
		pool->run(pool->context, share_multiply, POINTS, &s);
		pool->run(pool->context, share_write, c->out, &s);
	}
}

// ---- the gradient of the weights ----

// gradient is one strip at a time, shared by all threads, so that the sums are
// always made in the same order: v[point][panel][in][16], d[point][panel] first
// [out][16], then groups of [16][16 out], du[point][group of out][in][16 out]; in
// and out rounded up to whole groups.
typedef struct {
	const faird_conv_gradient *c;
	const loops *l;
	tiling t;
	size_t in, out, first, count;
	float *v, *d, *du;
	size_t vstride, dstride;
} gradient;

static gradient gradient_of(const faird_conv_gradient *c, float *scratch) {
	gradient g = {.c = c, .l = best(), .t = tiles(c->h, c->w), .in = round_up(c->in, GROUP), .out = round_up(c->out, GROUP), .du = scratch};
	g.count = smaller(larger(1, SHARED / (POINTS * PANEL * (g.in + g.out))), c->n * g.t.panels);
	g.v = scratch ? scratch + POINTS * g.in * g.out : NULL;
	return g;
}

size_t faird_conv_weights_scratch(const faird_conv_gradient *c) {
	gradient g = gradient_of(c, NULL);
	return POINTS * (g.in * g.out + g.count * PANEL * (g.in + g.out));
}

// clear zeroes the numbers of a channel that only rounds a group up.
static void clear(float *v, size_t stride) {
	for (size_t point = 0; point < POINTS; point++) memset(v + point * stride, 0, PANEL * sizeof(float));
}

static void gradient_read(void *data, size_t i) {
	const gradient *g = data;
	const faird_conv_gradient *c = g->c;
	for (size_t p = 0; p < g->count; p++) {
		size_t panel = g->first + p, picture = panel / g->t.panels;
		float *v = g->v + (p * g->in + i) * PANEL;
		if (i < c->in)
			g->l->read(c->x + (picture * c->in + i) * c->h * c->w, &g->t, panel % g->t.panels, v, g->vstride);
		else
			clear(v, g->vstride);
	}
}

static void gradient_read_group(void *data, size_t group) {
	const gradient *g = data;
	const faird_conv_gradient *c = g->c;
	for (size_t p = 0; p < g->count; p++) {
		size_t panel = g->first + p, picture = panel / g->t.panels;
		float *d = g->d + (p * g->out + group * GROUP) * PANEL;
		for (size_t k = 0; k < GROUP; k++) {
			size_t o = group * GROUP + k;
			if (o < c->out)
				g->l->read_gradient(c->dy + (picture * c->out + o) * c->h * c->w, &g->t, panel % g->t.panels, d + k * PANEL, g->dstride);
			else
				clear(d + k * PANEL, g->dstride);
		}
		for (size_t point = 0; point < POINTS; point++) g->l->turn(d + point * g->dstride);
	}
}

static void gradient_multiply(void *data, size_t point) {
	const gradient *g = data;
	for (size_t o = 0; o < g->out; o += GROUP)
		for (size_t i = 0; i < g->in; i += GROUP)
			g->l->correlate(g->count, g->v + point * g->vstride + i * PANEL, g->in * PANEL,
				g->d + point * g->dstride + o * PANEL, g->out * PANEL, g->du + (point * g->out + o) * g->in + i * GROUP);
}

// gradient_finish makes dw of one group of results.
static void gradient_finish(void *data, size_t group) {
	const gradient *g = data;
	size_t in = g->c->in, left = g->c->out - group * GROUP;
	float taps[9][GROUP];
	for (size_t i = 0; i < in; i++) {
		g->l->finish(g->du + (group * g->in + i) * GROUP, g->out * g->in, taps);
		for (size_t k = 0; k < smaller(GROUP, left); k++)
			for (size_t tap = 0; tap < 9; tap++) g->c->dw[((group * GROUP + k) * in + i) * 9 + tap] = taps[tap][k];
	}
}

void faird_conv_weights(const faird_pool *pool, const faird_conv_gradient *c, float *scratch) {
	gradient g = gradient_of(c, scratch);
	size_t panels = c->n * g.t.panels, step = g.count;
	memset(g.du, 0, POINTS * g.in * g.out * sizeof(float));
	for (g.first = 0; g.first < panels; g.first += step) {
		g.count = smaller(step, panels - g.first);
		g.vstride = g.count * g.in * PANEL;
		g.dstride = g.count * g.out * PANEL;
		g.d = g.v + POINTS * g.vstride;
		pool->run(pool->context, gradient_read, g.in, &g);
		pool->run(pool->context, gradient_read_group, g.out / GROUP, &g);
		pool->run(pool->context, gradient_multiply, POINTS, &g);
	}
	pool->run(pool->context, gradient_finish, g.out / GROUP, &g);
}
