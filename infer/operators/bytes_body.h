// The loops of bytes.c; each_kind.h includes them.

// from_bytes and to_bytes are LANES bytes as numbers and back: rounded to the
// nearest whole number, ties to the even one, clipped to 0..255. Compilers make
// single bytes of what the processor does in one go.
#if LANES == 16
INLINE vec NAME(from_bytes)(const uint8_t *p) { return (vec)_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)p))); }
INLINE void NAME(to_bytes)(uint8_t *p, vec v) {
	__m512i q = _mm512_max_epi32(_mm512_cvtps_epi32((__m512)v), _mm512_setzero_si512());
	_mm_storeu_si128((void *)p, _mm512_cvtusepi32_epi8(q));
}
#elif LANES == 8
INLINE vec NAME(from_bytes)(const uint8_t *p) { return (vec)_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)p))); }
INLINE void NAME(to_bytes)(uint8_t *p, vec v) {
	__m256i q = _mm256_cvtps_epi32((__m256)v);
	__m128i words = _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
	_mm_storel_epi64((void *)p, _mm_packus_epi16(words, words));
}
#elif defined(__aarch64__)
INLINE vec NAME(from_bytes)(const uint8_t *p) {
	uint32_t four;
	memcpy(&four, p, 4);
	return (vec)vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(four)))));
}
INLINE void NAME(to_bytes)(uint8_t *p, vec v) {
	int16x4_t words = vqmovn_s32(vcvtnq_s32_f32((float32x4_t)v));
	uint32_t four = vget_lane_u32(vreinterpret_u32_u8(vqmovun_s16(vcombine_s16(words, words))), 0);
	memcpy(p, &four, 4);
}
#else
INLINE vec NAME(from_bytes)(const uint8_t *p) { return (vec){p[0], p[1], p[2], p[3]}; }
INLINE void NAME(to_bytes)(uint8_t *p, vec v) {
	for (int k = 0; k < LANES; k++) {
		float q = v[k] > 0 ? v[k] : 0;
		q = q < 255 ? q : 255;
		p[k] = (uint8_t)(q + 8388608.0f - 8388608.0f); // 2^23: no room for a fraction
	}
}
#endif

// first is a row of results: for each pixel LANES of them at a time.
static void NAME(first)(const faird_first *f, const float *rows[3][FEW], float inverse, uint8_t *y) {
	size_t wide = (f->out + PANEL - 1) / PANEL * PANEL;
	for (size_t o = 0; o < f->out; o += LANES) {
		float lanes[LANES] = {0}; // bias
		for (size_t k = 0; k < LANES && f->bias && o + k < f->out; k++) lanes[k] = f->bias[o + k];
		vec bias = NAME(load)(lanes);
		for (size_t x = 0; x < f->w; x++) {
			vec sum = bias;
			for (size_t i = 0; i < f->in; i++) {
				const float *u = f->u + i * 9 * wide + o;
#pragma GCC unroll 3
				for (size_t j = 0; j < 3; j++)
#pragma GCC unroll 3
					for (size_t k = 0; k < 3; k++, u += wide) sum += rows[j][i][x + k] * NAME(load)(u);
			}
			sum = sum * inverse;
			sum = NAME(positive)(sum) + (float)f->steps.zero;
			uint8_t q[LANES];
			NAME(to_bytes)(q, sum);
			memcpy(y + x * f->out + o, q, f->out - o < LANES ? f->out - o : LANES);
		}
	}
}

// planes makes of a row of bytes a row of numbers for each channel, each with a
// zero before and behind it, wide apart.
static void NAME(planes)(const faird_last *l, const uint8_t *x, float *to, size_t wide) {
	vec zero = (vec){0} + (float)l->steps.zero;
	for (size_t i = 0; i < l->in; i += LANES)
		for (size_t at = 0; at < l->w; at += 4) {
			float row[4][LANES];
			for (size_t p = 0; p < 4; p++) {
				uint8_t q[LANES] = {0};
				const uint8_t *from = x + (at + p) * l->in + i;
				vec v = {0};
				if (at + p < l->w && i + LANES > l->in) memcpy(q, from, l->in - i);
				if (at + p < l->w) v = (NAME(from_bytes)(i + LANES > l->in ? q : from) - zero) * l->steps.scale;
				NAME(store)(row[p], v);
			}
			for (size_t k = 0; k < LANES; k += 4) {
				v4 t[4] = {load4(row[0] + k), load4(row[1] + k), load4(row[2] + k), load4(row[3] + k)};
				transpose4(t);
				for (size_t c = 0; c < 4 && i + k + c < l->in; c++) store4(to + (i + k + c) * wide + 1 + at, t[c]);
			}
		}
}

// last is a row of results for two vectors of pixels at a time.
INLINE void NAME(last_of)(const faird_last *l, float *rows[3], size_t wide, float *y, size_t stride, int outs) {
	for (size_t at = 0; at < l->w; at += 2 * LANES) {
		vec sum[4][2] = {{{0}}};
		const float *u = l->u;
		for (size_t i = 0; i < l->in; i++)
			for (int j = 0; j < 3; j++) {
				const float *p = rows[j] + i * wide + at;
#pragma GCC unroll 3
				for (int k = 0; k < 3; k++, u += 4) {
					vec a = NAME(load)(p + k), b = NAME(load)(p + k + LANES);
#pragma GCC unroll 4
					for (int o = 0; o < outs; o++) {
						sum[o][0] += u[o] * a;
						sum[o][1] += u[o] * b;
					}
				}
			}
		for (int o = 0; o < outs; o++) {
			float row[2 * LANES];
			NAME(store)(row, sum[o][0] + (l->bias ? l->bias[o] : 0));
			NAME(store)(row + LANES, sum[o][1] + (l->bias ? l->bias[o] : 0));
			memcpy(y + (size_t)o * stride + at, row, sizeof(float) * (l->w - at < 2 * LANES ? l->w - at : 2 * LANES));
		}
	}
}

static void NAME(last)(const faird_last *l, float *rows[3], size_t wide, float *y, size_t stride) {
	if (l->out == 3)
		NAME(last_of)(l, rows, wide, y, stride, 3);
	else
		NAME(last_of)(l, rows, wide, y, stride, (int)l->out);
}

// doubled is a row of results between two rows.
static void NAME(doubled)(const faird_double *d, const uint8_t *above, const uint8_t *below, float down, uint8_t *y) {
	size_t c = d->channels;
	float scale = d->from.scale / d->to.scale, shift = (float)d->to.zero - (float)d->from.zero * scale;
	for (size_t x = 0; x < 2 * d->w; x++) {
		float at = d->w < 2 ? 0 : (float)x * (float)(d->w - 1) / (float)(2 * d->w - 1);
		size_t left = (size_t)at, right = left + 1 < d->w ? left + 1 : left;
		float part = at - (float)left;
		float a = (1 - down) * (1 - part) * scale, b = (1 - down) * part * scale, p = down * (1 - part) * scale, q = down * part * scale;
		size_t i = 0;
		for (; i + LANES <= c; i += LANES)
			NAME(to_bytes)(y + x * c + i, a * NAME(from_bytes)(above + left * c + i) + b * NAME(from_bytes)(above + right * c + i) +
				p * NAME(from_bytes)(below + left * c + i) + q * NAME(from_bytes)(below + right * c + i) + shift);
		if (i < c) {
			uint8_t in[4][LANES] = {{0}}, out[LANES];
			memcpy(in[0], above + left * c + i, c - i);
			memcpy(in[1], above + right * c + i, c - i);
			memcpy(in[2], below + left * c + i, c - i);
			memcpy(in[3], below + right * c + i, c - i);
			NAME(to_bytes)(out, a * NAME(from_bytes)(in[0]) + b * NAME(from_bytes)(in[1]) + p * NAME(from_bytes)(in[2]) + q * NAME(from_bytes)(in[3]) + shift);
			memcpy(y + x * c + i, out, c - i);
		}
	}
}

static const byte_loops NAME(byte_loops) = {NAME(first), NAME(planes), NAME(last), NAME(doubled)};
