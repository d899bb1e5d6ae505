// The loops of convolution.c, compiled once for each kind of processor. Around
// the include stand NAME(f), which names a copy, LANES, the numbers of a vector,
// and ROWS, the results that a product keeps in registers. The tiles of a panel
// are computed side by side, as the lanes of one or more vectors.

typedef float NAME(vec) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int NAME(bits) __attribute__((vector_size(4 * LANES)));
#define vec NAME(vec)

INLINE vec NAME(load)(const float *p) { return *(const vec *)p; }
INLINE void NAME(store)(float *p, vec v) { *(vec *)p = v; }

// positive is max(v, 0), and what is no number stays none.
INLINE vec NAME(positive)(vec v) { return (vec)((NAME(bits))v & ~(v < 0)); }

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
#define SHUFFLE(a, b, c, d) ((NAME(bits)){a, b, c, d})
#elif LANES == 8
#define SHUFFLE(a, b, c, d) ((NAME(bits)){WIDE(a, 8), WIDE(b, 8), WIDE(c, 8), WIDE(d, 8), 4 + WIDE(a, 8), 4 + WIDE(b, 8), 4 + WIDE(c, 8), 4 + WIDE(d, 8)})
#else
#define SHUFFLE(a, b, c, d)                                                                                        \
	((NAME(bits)){WIDE(a, 16), WIDE(b, 16), WIDE(c, 16), WIDE(d, 16), 4 + WIDE(a, 16), 4 + WIDE(b, 16),            \
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
	NAME(bits) low = {0, 1, 2, 3, 8, 9, 10, 11}, high = {4, 5, 6, 7, 12, 13, 14, 15};
	v[0] = __builtin_shuffle(a, c, low);
	v[1] = __builtin_shuffle(a, c, high);
	v[2] = __builtin_shuffle(b, d, low);
	v[3] = __builtin_shuffle(b, d, high);
}
INLINE void NAME(undeal)(vec v[4]) {
	vec a = v[0], b = v[1], c = v[2], d = v[3];
	NAME(bits) low = {0, 1, 2, 3, 8, 9, 10, 11}, high = {4, 5, 6, 7, 12, 13, 14, 15};
	v[0] = __builtin_shuffle(a, b, low);
	v[1] = __builtin_shuffle(c, d, low);
	v[2] = __builtin_shuffle(a, b, high);
	v[3] = __builtin_shuffle(c, d, high);
}
#endif
#if LANES == 16 // two steps of permutations over the whole vector
INLINE void NAME(apart)(const float *p, vec e[4]) {
	vec a = NAME(load)(p), b = NAME(load)(p + 16), c = NAME(load)(p + 32), d = NAME(load)(p + 48);
	NAME(bits) first = {0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29}, third = first + 2;
	NAME(bits) low = {0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23}, high = low + 8;
	vec ab0 = __builtin_shuffle(a, b, first), cd0 = __builtin_shuffle(c, d, first);
	vec ab2 = __builtin_shuffle(a, b, third), cd2 = __builtin_shuffle(c, d, third);
	e[0] = __builtin_shuffle(ab0, cd0, low);
	e[1] = __builtin_shuffle(ab0, cd0, high);
	e[2] = __builtin_shuffle(ab2, cd2, low);
	e[3] = __builtin_shuffle(ab2, cd2, high);
}
INLINE void NAME(together)(float *p, vec e[4], const float *skip) {
	NAME(bits) low = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23}, high = low + 8;
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

// row is columns x0 to x0 + count of row y of a plane, zero outside of it.
INLINE const float *NAME(row)(const float *plane, const tiling *t, ptrdiff_t y, ptrdiff_t x0, ptrdiff_t count, float *buffer) {
	ptrdiff_t w = (ptrdiff_t)t->w, from = x0 < 0 ? -x0 : 0, to = x0 + count > w ? w - x0 : count;
	if (y >= 0 && y < (ptrdiff_t)t->h && from == 0 && to == count) return plane + y * w + x0;
	memset(buffer, 0, (size_t)count * sizeof(float));
	if (y >= 0 && y < (ptrdiff_t)t->h && to > from)
		memcpy(buffer + from, plane + y * w + x0 + from, (size_t)(to - from) * sizeof(float));
	return buffer;
}

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
		NAME(bits) shift;
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

// direct is BLOCK rows of results by the definition, for few channels on one side:
// direct_some is WIDTH pixels of some results at a time.
#define WIDTH (LANES == 16 ? 4 * PANEL : PANEL)
#define VECTORS (WIDTH / LANES)
INLINE void NAME(direct_some)(const faird_conv *c, size_t picture, size_t y, size_t first, int results) {
	tiling t = {.h = c->h, .w = c->w};
	float buffer[WIDTH + 2], row[WIDTH];
	const float *x = c->x + picture * c->in * c->h * c->w;
	for (size_t at = 0; at < c->w; at += WIDTH) {
		vec sum[4][VECTORS] = {{{0}}};
		const float *weights = c->u + first * c->in * 9;
		for (size_t i = 0; i < c->in; i++)
			for (int j = 0; j < 3; j++, weights += 12) {
				const float *p = NAME(row)(x + i * c->h * c->w, &t, (ptrdiff_t)y + j - 1, (ptrdiff_t)at - 1, WIDTH + 2, buffer);
#pragma GCC unroll 3
				for (int k = 0; k < 3; k++)
#pragma GCC unroll 4
					for (int q = 0; q < VECTORS; q++) {
						vec v = NAME(load)(p + k + q * LANES);
#pragma GCC unroll 4
						for (int o = 0; o < results; o++) sum[o][q] += weights[4 * k + o] * v;
					}
			}
		size_t count = smaller(c->w - at, WIDTH);
		for (int o = 0; o < results; o++) {
			size_t to = ((picture * c->out + first + (size_t)o) * c->h + y) * c->w + at;
			for (int q = 0; q < VECTORS; q++) {
				vec z = sum[o][q] + (c->bias ? c->bias[first + (size_t)o] : 0);
				NAME(store)(row + q * LANES, c->relu ? NAME(positive)(z) : z);
			}
			for (size_t k = 0; c->skip && k < count; k++) row[k] += c->skip[to + k];
			memcpy(c->y + to, row, count * sizeof(float));
		}
	}
}

static void NAME(direct_row)(const faird_conv *c, size_t picture, size_t y) {
	size_t first = 0;
	for (; first + 4 <= c->out; first += 4) NAME(direct_some)(c, picture, y, first, 4);
	if (c->out - first == 3) NAME(direct_some)(c, picture, y, first, 3);
	if (c->out - first == 2) NAME(direct_some)(c, picture, y, first, 2);
	if (c->out - first == 1) NAME(direct_some)(c, picture, y, first, 1);
}

// direct_few is BLOCK rows of at most four results. One channel after the other
// is added to all of them: the rows of a plane lie side by side, those of the next
// far away.
INLINE void NAME(direct_few)(const faird_conv *c, size_t picture, size_t y, size_t from, size_t count, int results) {
	float sum[4][BLOCK][CHUNK], rows[BLOCK + 2][CHUNK + 2 + PANEL];
	tiling t = {.h = c->h, .w = c->w};
	size_t height = smaller(BLOCK, c->h - y), wide = round_up(count, LANES);
	for (int o = 0; o < results; o++)
		for (size_t r = 0; r < height; r++)
			for (size_t k = 0; k < wide; k++) sum[o][r][k] = c->bias ? c->bias[o] : 0;
	memset(rows, 0, sizeof rows);
	const float *weights = c->u;
	for (size_t i = 0; i < c->in; i++, weights += 36) {
		const float *plane = c->x + (picture * c->in + i) * c->h * c->w;
		for (size_t j = 0; j < height + 2; j++) {
			const float *p = NAME(row)(plane, &t, (ptrdiff_t)(y + j) - 1, (ptrdiff_t)from - 1, (ptrdiff_t)count + 2, rows[j]);
			if (p != rows[j]) memcpy(rows[j], p, (count + 2) * sizeof(float));
		}
		for (size_t r = 0; r < height; r++)
			for (size_t at = 0; at < wide; at += LANES) {
				vec s[4];
#pragma GCC unroll 4
				for (int o = 0; o < results; o++) s[o] = NAME(load)(sum[o][r] + at);
#pragma GCC unroll 3
				for (size_t j = 0; j < 3; j++)
#pragma GCC unroll 3
					for (size_t k = 0; k < 3; k++) {
						vec v = NAME(load)(rows[r + j] + at + k);
#pragma GCC unroll 4
						for (int o = 0; o < results; o++) s[o] += weights[(3 * j + k) * 4 + (size_t)o] * v;
					}
#pragma GCC unroll 4
				for (int o = 0; o < results; o++) NAME(store)(sum[o][r] + at, s[o]);
			}
	}
	for (int o = 0; o < results; o++)
		for (size_t r = 0; r < height; r++) {
			size_t to = ((picture * c->out + (size_t)o) * c->h + y + r) * c->w + from;
			for (size_t k = 0; k < wide && c->relu; k += LANES) NAME(store)(sum[o][r] + k, NAME(positive)(NAME(load)(sum[o][r] + k)));
			for (size_t k = 0; k < count && c->skip; k++) sum[o][r][k] += c->skip[to + k];
			memcpy(c->y + to, sum[o][r], count * sizeof(float));
		}
}

static void NAME(direct)(const faird_conv *c, size_t picture, size_t y) {
	for (size_t from = 0; c->out <= FEW && from < c->w; from += CHUNK) {
		size_t count = smaller(c->w - from, CHUNK);
		if (c->out == 3)
			NAME(direct_few)(c, picture, y, from, count, 3);
		else
			NAME(direct_few)(c, picture, y, from, count, (int)c->out);
	}
	if (c->out > FEW)
		for (size_t r = y; r < smaller(y + BLOCK, c->h); r++) NAME(direct_row)(c, picture, r);
}
#undef WIDTH
#undef VECTORS

static const loops NAME(loops) = {NAME(read), NAME(read_gradient), NAME(write), NAME(product), NAME(turn), NAME(correlate), NAME(prepare), NAME(finish), NAME(direct)};
#undef vec
