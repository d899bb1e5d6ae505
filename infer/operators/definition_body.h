// Rows of a picture, and a convolution by its definition; convolution_body.h
// includes it.

// row is columns x0 to x0 + count of row y of a plane, zero outside of it.
INLINE const float *NAME(row)(const float *plane, const tiling *t, ptrdiff_t y, ptrdiff_t x0, ptrdiff_t count, float *buffer) {
	ptrdiff_t w = (ptrdiff_t)t->w, from = x0 < 0 ? -x0 : 0, to = x0 + count > w ? w - x0 : count;
	if (y >= 0 && y < (ptrdiff_t)t->h && from == 0 && to == count) return plane + y * w + x0;
	memset(buffer, 0, (size_t)count * sizeof(float));
	if (y >= 0 && y < (ptrdiff_t)t->h && to > from)
		memcpy(buffer + from, plane + y * w + x0 + from, (size_t)(to - from) * sizeof(float));
	return buffer;
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
