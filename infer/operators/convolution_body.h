// The loops of convolution.c; each_kind.h includes them. The tiles of a panel are
// computed side by side, as the lanes of one or more vectors.

#include "definition_body.h"

// A one-dimensional step of the input's transform, B^T of F(4, 3).
INLINE void NAME(spread)(vec o[6], const vec d[6]) {
	vec a = d[4] - 4 * d[2], b = d[3] - 4 * d[1];
	vec c = d[4] - d[2], e = 2 * (d[3] - d[1]);
	o[0] = 4 * d[0] - 5 * d[2] + d[4];
	o[1] = a + b;
	o[2] = a - b;
	o[3] = c + e;
	o[4] = c - e;
	o[5] = 4 * d[1] - 5 * d[3] + d[5];
}

// Of the result's, A^T.
INLINE void NAME(gather)(vec y[4], const vec m[6]) {
	vec s = m[1] + m[2], t = m[1] - m[2], u = m[3] + m[4], v = m[3] - m[4];
	y[0] = m[0] + s + u;
	y[1] = t + 2 * v;
	y[2] = s + 4 * u;
	y[3] = t + 8 * v + m[5];
}

// Of the gradient of the result, A.
INLINE void NAME(scatter)(vec o[6], const vec d[4]) {
	vec even = d[0] + d[2], odd = d[1] + d[3], far = d[0] + 4 * d[2], wide = 2 * d[1] + 8 * d[3];
	o[0] = d[0];
	o[1] = even + odd;
	o[2] = even - odd;
	o[3] = far + wide;
	o[4] = far - wide;
	o[5] = d[3];
}

// transpose turns four rows of four numbers, in each 16 bytes of a vector.
#if LANES == 4
#define SHUFFLE(a, b, c, d) ((bits){a, b, c, d})
#elif LANES == 8
#define SHUFFLE(a, b, c, d) ((bits){WIDE(a, 8), WIDE(b, 8), WIDE(c, 8), WIDE(d, 8), 4 + WIDE(a, 8), 4 + WIDE(b, 8), 4 + WIDE(c, 8), 4 + WIDE(d, 8)})
#else
#define SHUFFLE(a, b, c, d)                                                                                        \
	((bits){WIDE(a, 16), WIDE(b, 16), WIDE(c, 16), WIDE(d, 16), 4 + WIDE(a, 16), 4 + WIDE(b, 16),            \
		4 + WIDE(c, 16), 4 + WIDE(d, 16), 8 + WIDE(a, 16), 8 + WIDE(b, 16), 8 + WIDE(c, 16), 8 + WIDE(d, 16),      \
		12 + WIDE(a, 16), 12 + WIDE(b, 16), 12 + WIDE(c, 16), 12 + WIDE(d, 16)})
#endif
INLINE void NAME(transpose)(vec v[4]) {
	vec ab0 = __builtin_shuffle(v[0], v[1], SHUFFLE(0, 4, 1, 5)), ab1 = __builtin_shuffle(v[0], v[1], SHUFFLE(2, 6, 3, 7));
	vec cd0 = __builtin_shuffle(v[2], v[3], SHUFFLE(0, 4, 1, 5)), cd1 = __builtin_shuffle(v[2], v[3], SHUFFLE(2, 6, 3, 7));
	v[0] = __builtin_shuffle(ab0, cd0, SHUFFLE(0, 1, 4, 5));
	v[1] = __builtin_shuffle(ab0, cd0, SHUFFLE(2, 3, 6, 7));
	v[2] = __builtin_shuffle(ab1, cd1, SHUFFLE(0, 1, 4, 5));
	v[3] = __builtin_shuffle(ab1, cd1, SHUFFLE(2, 3, 6, 7));
}
#undef SHUFFLE

// apart takes the columns of LANES tiles of four out of a row: e[k][i] = p[4 i + k].
// First every 16 bytes find their place, then they are transposed; together is
// the way back.
#if LANES == 4
INLINE void NAME(deal)(vec v[4]) { (void)v; }
INLINE void NAME(undeal)(vec v[4]) { (void)v; }
#elif LANES == 8
INLINE void NAME(deal)(vec v[4]) { // tiles 01 23 45 67 to 04 15 26 37
	vec a = v[0], b = v[1], c = v[2], d = v[3];
	bits low = {0, 1, 2, 3, 8, 9, 10, 11}, high = {4, 5, 6, 7, 12, 13, 14, 15};
	v[0] = __builtin_shuffle(a, c, low);
	v[1] = __builtin_shuffle(a, c, high);
	v[2] = __builtin_shuffle(b, d, low);
	v[3] = __builtin_shuffle(b, d, high);
}
INLINE void NAME(undeal)(vec v[4]) {
	vec a = v[0], b = v[1], c = v[2], d = v[3];
	bits low = {0, 1, 2, 3, 8, 9, 10, 11}, high = {4, 5, 6, 7, 12, 13, 14, 15};
	v[0] = __builtin_shuffle(a, b, low);
	v[1] = __builtin_shuffle(c, d, low);
	v[2] = __builtin_shuffle(a, b, high);
	v[3] = __builtin_shuffle(c, d, high);
}
#endif
#if LANES == 16 // two steps of permutations over the whole vector
INLINE void NAME(apart)(const float *p, vec e[4]) {
	vec a = NAME(load)(p), b = NAME(load)(p + 16), c = NAME(load)(p + 32), d = NAME(load)(p + 48);
	bits first = {0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29}, third = first + 2;
	bits low = {0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23}, high = low + 8;
	vec ab0 = __builtin_shuffle(a, b, first), cd0 = __builtin_shuffle(c, d, first);
	vec ab2 = __builtin_shuffle(a, b, third), cd2 = __builtin_shuffle(c, d, third);
	e[0] = __builtin_shuffle(ab0, cd0, low);
	e[1] = __builtin_shuffle(ab0, cd0, high);
	e[2] = __builtin_shuffle(ab2, cd2, low);
	e[3] = __builtin_shuffle(ab2, cd2, high);
}
INLINE void NAME(together)(float *p, vec e[4], const float *skip) {
	bits low = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23}, high = low + 8;
	vec even0 = __builtin_shuffle(e[0], e[2], low), even1 = __builtin_shuffle(e[0], e[2], high); // columns 0 2 0 2 ...
	vec odd0 = __builtin_shuffle(e[1], e[3], low), odd1 = __builtin_shuffle(e[1], e[3], high);
	vec v[4] = {__builtin_shuffle(even0, odd0, low), __builtin_shuffle(even0, odd0, high),
		__builtin_shuffle(even1, odd1, low), __builtin_shuffle(even1, odd1, high)};
	for (int k = 0; k < 4; k++) {
		if (skip) v[k] += NAME(load)(skip + k * LANES);
		NAME(store)(p + k * LANES, v[k]);
	}
}
#else
INLINE void NAME(apart)(const float *p, vec e[4]) {
	for (int k = 0; k < 4; k++) e[k] = NAME(load)(p + k * LANES);
	NAME(deal)(e);
	NAME(transpose)(e);
}
INLINE void NAME(together)(float *p, vec e[4], const float *skip) {
	NAME(transpose)(e);
	NAME(undeal)(e);
	for (int k = 0; k < 4; k++) {
		if (skip) e[k] += NAME(load)(skip + k * LANES);
		NAME(store)(p + k * LANES, e[k]);
	}
}
#endif

// picked are a panel's tiles of one plane: size rows of size columns each, which
// begin edge pixels before the tile's results. Where the tiles lie side by side,
// p are their rows, of which the very first and last column may lie outside of
// the plane; else e[j][k] is row j, column k of each. Lanes without a tile are zero.
typedef struct {
	int together, left, right;
	const float *p[6];
	float e[6][6][PANEL], buffer[6][4 * PANEL + 16];
} NAME(picked);

INLINE void NAME(pick)(const float *plane, const tiling *t, size_t panel, int size, int edge, NAME(picked) *k) {
	static const float zeros[4 * PANEL + 2];
	run r = first_run(t, panel);
	ptrdiff_t w = (ptrdiff_t)t->w, x = 4 * r.x - edge;
	k->together = r.count == PANEL && 4 * (r.x + PANEL) <= w;
	if (k->together) {
		k->left = edge && r.x == 0;
		k->right = 4 * (r.x + PANEL) == w;
		for (int j = 0; j < size; j++) {
			ptrdiff_t y = 4 * r.y + j - edge;
			if (y < 0 || y >= (ptrdiff_t)t->h)
				k->p[j] = zeros;
			else if (y == 0 && x < 0) // nobody knows what lies before a plane
				k->p[j] = NAME(row)(plane, t, y, x, 4 * PANEL + size - 4, k->buffer[j]);
			else
				k->p[j] = plane + y * w + x;
		}
		return;
	}
	memset(k->e, 0, sizeof k->e);
	for (; r.count > 0; r = next_run(t, r))
		for (int j = 0; j < size; j++) {
			const float *p = NAME(row)(plane, t, 4 * r.y + j - edge, 4 * r.x - edge, 4 * r.count + size - 4, k->buffer[0]);
			for (int i = 0; i < r.count; i++)
				for (int c = 0; c < size; c++) k->e[j][c][r.lane + i] = p[4 * i + c];
		}
}

// columns are those of row j for the lanes from part on. The fifth and sixth of a
// tile are the first and second of its neighbour.
INLINE void NAME(columns)(const NAME(picked) *k, int j, int part, int size, vec e[6]) {
	if (!k->together) {
		for (int c = 0; c < size; c++) e[c] = NAME(load)(k->e[j][c] + part);
		return;
	}
	const float *p = k->p[j] + 4 * part;
	NAME(apart)(p, e);
	if (k->left && part == 0) e[0][0] = 0;
	for (int c = 4; c < size; c++) {
		int outside = c == 5 && k->right && part + LANES == PANEL;
		vec next = (vec){0} + (outside ? 0 : p[4 * LANES + c - 4]);
		bits shift;
		for (int i = 0; i < LANES; i++) shift[i] = i + 1;
		e[c] = __builtin_shuffle(e[c - 4], next, shift);
	}
}

// read transforms a panel of one input plane; the 36 results lie stride floats apart.
static void NAME(read)(const float *plane, const tiling *t, size_t panel, float *v, size_t stride) {
	NAME(picked) k;
	NAME(pick)(plane, t, panel, 6, 1, &k);
	for (int part = 0; part < PANEL; part += LANES) {
		vec d[6][6];
		for (int j = 0; j < 6; j++) {
			vec e[6];
			NAME(columns)(&k, j, part, 6, e);
			NAME(spread)(d[j], e);
		}
		for (int c = 0; c < 6; c++) {
			vec in[6], o[6];
			for (int j = 0; j < 6; j++) in[j] = d[j][c];
			NAME(spread)(o, in);
			for (int j = 0; j < 6; j++) NAME(store)(v + (size_t)(6 * j + c) * stride + part, o[j]);
		}
	}
}

// read_gradient is the same of a plane of the result's gradient.
static void NAME(read_gradient)(const float *plane, const tiling *t, size_t panel, float *v, size_t stride) {
	NAME(picked) k;
	NAME(pick)(plane, t, panel, 4, 0, &k);
	for (int part = 0; part < PANEL; part += LANES) {
		vec d[4][6];
		for (int j = 0; j < 4; j++) {
			vec e[6];
			NAME(columns)(&k, j, part, 4, e);
			NAME(scatter)(d[j], e);
		}
		for (int c = 0; c < 6; c++) {
			vec in[4], o[6];
			for (int j = 0; j < 4; j++) in[j] = d[j][c];
			NAME(scatter)(o, in);
			for (int j = 0; j < 6; j++) NAME(store)(v + (size_t)(6 * j + c) * stride + part, o[j]);
		}
	}
}

// put writes one row of a panel's 4x4 results, e[b] their b-th columns, where its
// tiles do not lie side by side; skip is the plane to add, or NULL.
INLINE void NAME(put)(const tiling *t, size_t panel, int a, float (*e)[PANEL], float *plane, const float *skip) {
	for (run r = first_run(t, panel); r.count > 0; r = next_run(t, r)) {
		size_t y = 4 * (size_t)r.y + (size_t)a;
		if (y >= t->h) continue;
		for (int i = 0; i < r.count; i++)
			for (size_t b = 0; b < 4 && 4 * ((size_t)r.x + (size_t)i) + b < t->w; b++) {
				size_t o = y * t->w + 4 * ((size_t)r.x + (size_t)i) + b;
				plane[o] = e[b][r.lane + i] + (skip ? skip[o] : 0);
			}
	}
}

// write transforms the 36 products of a panel back into one plane of results.
static void NAME(write)(const float *m, size_t stride, const tiling *t, size_t panel, float bias, int relu, float *plane, const float *skip) {
	float e[4][4][PANEL];
	run r = first_run(t, panel);
	size_t y = 4 * (size_t)r.y, x = 4 * (size_t)r.x;
	int together = r.count == PANEL && x + 4 * PANEL <= t->w && y + 4 <= t->h;
	for (int part = 0; part < PANEL; part += LANES) {
		vec d[6][4];
		for (int j = 0; j < 6; j++) {
			vec in[6];
			for (int k = 0; k < 6; k++) in[k] = NAME(load)(m + (size_t)(6 * j + k) * stride + part);
			NAME(gather)(d[j], in);
		}
		vec z[4][4];
		for (int b = 0; b < 4; b++) {
			vec in[6], o[4];
			for (int j = 0; j < 6; j++) in[j] = d[j][b];
			NAME(gather)(o, in);
			for (int a = 0; a < 4; a++) {
				o[a] += bias;
				z[a][b] = relu ? NAME(positive)(o[a]) : o[a];
			}
		}
		for (int a = 0; a < 4; a++) {
			size_t at = (y + (size_t)a) * t->w + x + 4 * (size_t)part;
			if (together)
				NAME(together)(plane + at, z[a], skip ? skip + at : NULL);
			else
				for (int b = 0; b < 4; b++) NAME(store)(e[a][b] + part, z[a][b]);
		}
	}
	for (int a = 0; a < 4 && !together; a++) NAME(put)(t, panel, a, e[a], plane, skip);
}

// product gives GROUP results for the tiles of a panel: m[o] = sum over in of
// u[in][o] v[in].
static void NAME(product)(size_t in, const float *u, const float *v, float *m) {
	for (int first = 0; first < GROUP; first += ROWS) {
		vec sum[ROWS][PARTS] = {{{0}}};
		for (size_t c = 0; c < in; c++) {
			const float *weights = u + c * GROUP + first;
			vec x[PARTS];
#pragma GCC unroll 4
			for (int p = 0; p < PARTS; p++) x[p] = NAME(load)(v + c * PANEL + p * LANES);
#pragma GCC unroll 16
			for (int o = 0; o < ROWS; o++)
#pragma GCC unroll 4
				for (int p = 0; p < PARTS; p++) sum[o][p] += weights[o] * x[p];
		}
#pragma GCC unroll 16
		for (int o = 0; o < ROWS; o++)
#pragma GCC unroll 4
			for (int p = 0; p < PARTS; p++) NAME(store)(m + (size_t)(first + o) * PANEL + p * LANES, sum[o][p]);
	}
}

// turn transposes PANEL rows of GROUP numbers in their place.
static void NAME(turn)(float *d) {
	for (int i = 0; i < PANEL; i += 4)
		for (int j = i; j < GROUP; j += 4) {
			float *p = d + i * GROUP + j, *q = d + j * GROUP + i;
			v4 a[4], b[4];
			for (int k = 0; k < 4; k++) {
				a[k] = load4(p + k * GROUP);
				b[k] = load4(q + k * GROUP);
			}
			transpose4(a);
			transpose4(b);
			for (int k = 0; k < 4; k++) {
				store4(q + k * GROUP, a[k]);
				store4(p + k * GROUP, b[k]);
			}
		}
}

// correlate adds to du[in][out], GROUP of each, the products of v[in][tile] and
// d[tile][out] over the tiles of all panels, which lie vstep and dstep floats apart.
static void NAME(correlate)(size_t panels, const float *v, size_t vstep, const float *d, size_t dstep, float *du) {
	for (int first = 0; first < GROUP; first += ROWS) {
		vec sum[ROWS][PARTS];
#pragma GCC unroll 16
		for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 4
			for (int q = 0; q < PARTS; q++) sum[i][q] = NAME(load)(du + (first + i) * GROUP + q * LANES);
		for (size_t p = 0; p < panels; p++)
			for (size_t t = 0; t < PANEL; t++) {
				const float *factor = v + p * vstep + (size_t)first * PANEL + t, *y = d + p * dstep + t * GROUP;
				vec x[PARTS];
#pragma GCC unroll 4
				for (int q = 0; q < PARTS; q++) x[q] = NAME(load)(y + q * LANES);
#pragma GCC unroll 16
				for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 4
					for (int q = 0; q < PARTS; q++) sum[i][q] += factor[i * PANEL] * x[q];
			}
#pragma GCC unroll 16
		for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 4
			for (int q = 0; q < PARTS; q++) NAME(store)(du + (first + i) * GROUP + q * LANES, sum[i][q]);
	}
}

// prepare makes the 36 points, which lie stride floats apart, of the nine taps of
// GROUP results: G g G^T.
static void NAME(prepare)(const float taps[9][GROUP], float *u, size_t stride) {
	for (int part = 0; part < GROUP; part += LANES)
		for (int a = 0; a < 6; a++) {
			vec half[3];
			for (int x = 0; x < 3; x++) {
				half[x] = (vec){0};
				for (int y = 0; y < 3; y++) half[x] += G[a][y] * NAME(load)(taps[3 * y + x] + part);
			}
			for (int b = 0; b < 6; b++)
				NAME(store)(u + (size_t)(6 * a + b) * stride + part, half[0] * G[b][0] + half[1] * G[b][1] + half[2] * G[b][2]);
		}
}

// finish makes the nine taps of GROUP results of the sums of their 36 points,
// which lie stride floats apart: G^T du G.
static void NAME(finish)(const float *du, size_t stride, float taps[9][GROUP]) {
	for (int part = 0; part < GROUP; part += LANES) {
		vec half[3][6];
		for (int b = 0; b < 6; b++)
			for (int y = 0; y < 3; y++) {
				vec sum = {0};
				for (int a = 0; a < 6; a++) sum += G[a][y] * NAME(load)(du + (size_t)(6 * a + b) * stride + part);
				half[y][b] = sum;
			}
		for (int y = 0; y < 3; y++)
			for (int x = 0; x < 3; x++) {
				vec sum = {0};
				for (int b = 0; b < 6; b++) sum += G[b][x] * half[y][b];
				NAME(store)(taps[3 * y + x] + part, sum);
			}
	}
}

static const loops NAME(loops) = {NAME(read), NAME(read_gradient), NAME(write), NAME(product), NAME(turn), NAME(correlate), NAME(prepare), NAME(finish), NAME(direct)};
