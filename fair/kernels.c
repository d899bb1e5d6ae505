// The score's inner loops, in the shape that compilers vectorise: no branches,
// no calls, borders made of padded row buffers. Not -ffast-math: values that
// are not numbers must be found, which is done on their bits.
#include "kernels.h"

#include <string.h>

// One copy for AVX2 and FMA, one for any x86-64, chosen when the program
// starts. ThreadSanitizer and other C libraries know no such thing.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define CLONES __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

#define INLINE static inline __attribute__((always_inline))

INLINE uint32_t bits(float v) {
	uint32_t u;
	memcpy(&u, &v, 4);
	return u;
}

INLINE float from_bits(uint32_t u) {
	float v;
	memcpy(&v, &u, 4);
	return v;
}

// not_finite is 1 for NaN and infinities.
INLINE uint32_t not_finite(float v) { return (bits(v) & 0x7f800000u) == 0x7f800000u; }

// choose is yes where over is 1 and no where it is 0. On the bits, because a
// conditional of computed values becomes a branch, which is not vectorised.
INLINE float choose(uint32_t over, float yes, float no) {
	return from_bits((bits(yes) & -over) | (bits(no) & (over - 1)));
}

// clip to 0..1. As integers the bits of floats have the floats' order from 0 on.
INLINE float clip(float v) {
	int32_t i = (int32_t)bits(v);
	i = i > 0 ? i : 0;
	i = i < 0x3f800000 ? i : 0x3f800000;
	return from_bits((uint32_t)i);
}

// root is the square root of zero and of normal positive numbers, to 2 ulp:
// half of the exponent, then a step of Householder's (third order) and one of
// Newton's towards 1/sqrt. sqrtf may set errno, which keeps compilers from
// vectorising it, and the flag that allows it is not among those cgo takes.
INLINE float root(float x) {
	float y = from_bits(0x5f374680u - (bits(x) >> 1));
	float e = 1 - x * y * y;
	y = y + y * e * (0.5f + 0.375f * e);
	e = 1 - x * y * y;
	y = y + 0.5f * y * e;
	return x * y;
}

// linear undoes the sRGB gamma: ((v + 0.055) / 1.055)^2.4 from 0.04045 up, here
// a Chebyshev polynomial of degree 11 (off by 6e-8 at most), a line below.
INLINE float linear(float v) {
	float z = 2.0843103538f * v - 1.0843103538f; // -1..1
	float p = 5.388669510e-05f;
	p = p * z - 8.519318627e-05f;
	p = p * z - 2.249826605e-05f;
	p = p * z + 1.832963241e-05f;
	p = p * z + 1.933017028e-04f;
	p = p * z - 4.209151093e-04f;
	p = p * z + 1.003126312e-03f;
	p = p * z - 3.778855630e-03f;
	p = p * z + 3.031544232e-02f;
	p = p * z + 2.725911557e-01f;
	p = p * z + 4.668913157e-01f;
	p = p * z + 2.332409144e-01f;
	return choose(v > 0.04045f, p, v * (1 / 12.92f));
}

// cube_root of 0.008..1.1 or so, to 2 ulp: a third of the exponent, then two
// steps of Householder's (third order) towards 1/cbrt, which need no division.
INLINE float cube_root(float x) {
	float y = from_bits(0x54a1f400u - (uint32_t)(int32_t)((float)(int32_t)bits(x) * (1 / 3.0f)));
	float e = 1 - x * y * y * y;
	y = y + y * e * (1 / 3.0f + 2 / 9.0f * e);
	e = 1 - x * y * y * y;
	y = y + y * e * (1 / 3.0f + 2 / 9.0f * e);
	return x * y * y;
}

INLINE float lab_f(float t) {
	float line = t * (841.0f / 108) + 4.0f / 29;
	float cube = cube_root(t);
	return choose(t > 0.008856451679f, cube, line);
}

// lab is CIELAB of an sRGB pixel, but for the 16 that its L starts at; white is D65.
INLINE void lab(float blue, float green, float red, float *L, float *a, float *b) {
	float B = linear(clip(blue)), G = linear(clip(green)), R = linear(clip(red));
	float X = (0.412453f * R + 0.357580f * G + 0.180423f * B) * (1 / 0.950456f);
	float Y = 0.212671f * R + 0.715160f * G + 0.072169f * B;
	float Z = (0.019334f * R + 0.119193f * G + 0.950227f * B) * (1 / 1.088754f);
	float fy = lab_f(Y);
	*L = 116 * fy;
	*a = 500 * (lab_f(X) - fy);
	*b = 200 * (fy - lab_f(Z));
}

CLONES void fair_planes(const uint8_t *restrict bgr, int n, float *restrict planes, float *restrict grey) {
	float *restrict B = planes, *restrict G = planes + n, *restrict R = planes + 2 * n;
	for (int i = 0; i < n; i++) {
		float b = bgr[3 * i] * (1 / 255.0f), g = bgr[3 * i + 1] * (1 / 255.0f), r = bgr[3 * i + 2] * (1 / 255.0f);
		B[i] = b;
		G[i] = g;
		R[i] = r;
		grey[i] = 0.114f * b + 0.587f * g + 0.299f * r;
	}
}

CLONES int fair_colour(const float *restrict o, const float *restrict r, int n,
                       float *restrict lightness, float *restrict colour) {
	uint32_t bad = 0;
	for (int i = 0; i < n; i++) {
		float L0, a0, b0, L1, a1, b1;
		bad |= not_finite(o[i]) | not_finite(o[i + n]) | not_finite(o[i + 2 * n]);
		bad |= not_finite(r[i]) | not_finite(r[i + n]) | not_finite(r[i + 2 * n]);
		lab(o[i], o[i + n], o[i + 2 * n], &L0, &a0, &b0);
		lab(r[i], r[i + n], r[i + 2 * n], &L1, &a1, &b1);
		lightness[i] = L0 - L1;
		colour[i] = (a0 - a1) * (a0 - a1) + (b0 - b1) * (b0 - b1);
	}
	return (int)bad;
}

// prewitt_sums prepares row y of a plane for Prewitt's kernels: the sum of the
// three rows around it, and the difference of its neighbours. Rows outside of
// the plane are zero; sum[0], sum[w+1] and so on are the zero columns.
INLINE void prewitt_sums(const float *plane, int y, int h, int w, float *restrict sum, float *restrict diff) {
	const float *row = plane + (long)y * w;
	if (y > 0 && y + 1 < h) {
		for (int x = 0; x < w; x++) {
			sum[x + 1] = row[x - w] + row[x] + row[x + w];
			diff[x + 1] = row[x - w] - row[x + w];
		}
		return;
	}
	float above = y > 0, below = y + 1 < h;
	const float *up = y > 0 ? row - w : row, *down = y + 1 < h ? row + w : row;
	for (int x = 0; x < w; x++) {
		sum[x + 1] = above * up[x] + row[x] + below * down[x];
		diff[x + 1] = above * up[x] - below * down[x];
	}
}

// gms_row adds the gradient magnitude similarity of one row of one channel.
// With m the squared magnitudes, 2 g0 g1 is 2 sqrt(m0 m1). The 1e-12 under the
// root is the authors'; without it single pixels differ by 2e-5.
INLINE void gms_row(const float *restrict s0, const float *restrict d0, const float *restrict s1,
                    const float *restrict d1, int w, float factor, float *restrict out) {
	const float c = 0.0026f, ninth = 1 / 9.0f, eps = 1e-12f;
	for (int x = 0; x < w; x++) {
		float gx0 = s0[x] - s0[x + 2], gy0 = d0[x] + d0[x + 1] + d0[x + 2];
		float gx1 = s1[x] - s1[x + 2], gy1 = d1[x] + d1[x + 1] + d1[x + 2];
		float m0 = (gx0 * gx0 + gy0 * gy0) * ninth + eps, m1 = (gx1 * gx1 + gy1 * gy1) * ninth + eps;
		out[x] += factor * (2 * root(m0 * m1) + c) / (m0 + m1 + c);
	}
}

CLONES void fair_gms(const float *original, const float *restored, int h, int w,
                     float base, float factor, float *rows, float *out) {
	float *s0 = rows, *d0 = s0 + w + 2, *s1 = d0 + w + 2, *d1 = s1 + w + 2;
	memset(rows, 0, sizeof(float) * 4 * (size_t)(w + 2));
	for (int y = 0; y < h; y++) {
		float *row = out + (long)y * w;
		for (int x = 0; x < w; x++) row[x] = base;
		for (int channel = 0; channel < 3; channel++) {
			long plane = (long)channel * h * w;
			prewitt_sums(original + plane, y, h, w, s0, d0);
			prewitt_sums(restored + plane, y, h, w, s1, d1);
			gms_row(s0, d0, s1, d1, w, factor, row);
		}
	}
}

CLONES void fair_pool(const float *restrict src, int h, int w, float *restrict dst) {
	int lh = h / 2, lw = w / 2;
	for (int channel = 0; channel < 3; channel++) {
		for (int y = 0; y < lh; y++) {
			const float *a = src + ((long)channel * h + 2 * y) * w, *b = a + w;
			float *out = dst + ((long)channel * lh + y) * lw;
			for (int x = 0; x < lw; x++) out[x] = 0.25f * (a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1]);
		}
	}
}

CLONES void fair_subtract_upsampled(const float *restrict low, int lh, int lw, int h, int w,
                                    const int *restrict x0, const float *restrict wx,
                                    float *restrict row, float *restrict acc) {
	float scale = (float)lh / h;
	for (int y = 0; y < h; y++) {
		float at = (y + 0.5f) * scale - 0.5f;
		at = at > 0 ? at : 0;
		int top = (int)at < lh - 1 ? (int)at : lh - 1, bottom = top + 1 < lh ? top + 1 : top;
		float weight = at - top;
		const float *a = low + (long)top * lw, *b = low + (long)bottom * lw;
		for (int x = 0; x < lw; x++) row[x] = a[x] + weight * (b[x] - a[x]);
		row[lw] = row[lw - 1];
		float *out = acc + (long)y * w;
		for (int x = 0; x < w; x++) out[x] -= row[x0[x]] + wx[x] * (row[x0[x] + 1] - row[x0[x]]);
	}
}

CLONES void fair_combine(const float *restrict gradient, const float *restrict colour,
                         const uint8_t *restrict ignore, int n, float k, float *restrict raw) {
	if (!ignore) {
		for (int i = 0; i < n; i++) raw[i] = k * colour[i] + gradient[i];
		return;
	}
	for (int i = 0; i < n; i++) {
		float v = k * colour[i] + gradient[i];
		raw[i] = ignore[i] ? 0 : v;
	}
}

CLONES void fair_keep(const float *restrict values, const uint8_t *restrict ignore, int n, float *restrict kept) {
	for (int i = 0; i < n; i++) kept[i] = ignore[i] ? 0 : values[i];
}

CLONES void fair_standardise(float *restrict values, const float *restrict mean, const float *restrict factor,
                             int n, int both) {
	if (both) {
		for (int i = 0; i < n; i++) values[i] = from_bits(bits((values[i] - mean[i]) * factor[i]) & 0x7fffffffu);
		return;
	}
	for (int i = 0; i < n; i++) {
		float z = (values[i] - mean[i]) * factor[i];
		values[i] = choose(bits(z) >> 31, 0, z);
	}
}

CLONES void fair_sum(const float *restrict gradient, const float *restrict lightness, const float *restrict colour,
                     int n, float *restrict sum) {
	for (int i = 0; i < n; i++) sum[i] = gradient[i] + lightness[i] + colour[i];
}

CLONES void fair_smooth(const float *restrict raw, int h, int w, int size, double *restrict sums, float *restrict map) {
	int radius = size / 2;
	double share = 1.0 / ((double)size * size);
	// columns[x] runs down the picture; prefix has radius+1 zeros in front and
	// its last value repeated radius times behind, so that a window is one
	// difference. Doubles: running sums of floats would drift.
	double *columns = sums, *prefix = sums + w;
	memset(sums, 0, sizeof(double) * (size_t)(2 * w + size + 1));
	for (int y = -radius; y < h; y++) {
		const float *in = raw + (long)(y + radius) * w, *out = raw + (long)(y - radius - 1) * w;
		if (y + radius < h)
			for (int x = 0; x < w; x++) columns[x] += in[x];
		if (y - radius - 1 >= 0)
			for (int x = 0; x < w; x++) columns[x] -= out[x];
		if (y < 0) continue;
		double total = 0;
		for (int x = 0; x < w; x++) prefix[radius + 1 + x] = total += columns[x];
		for (int x = 0; x < radius; x++) prefix[radius + 1 + w + x] = total;
		float *row = map + (long)y * w;
		for (int x = 0; x < w; x++) row[x] = (float)((prefix[x + size] - prefix[x]) * share);
	}
}

CLONES int fair_peak(float *restrict map, const uint8_t *restrict ignore, int h, int w,
                     float *restrict best, float *restrict peak) {
	uint32_t bad = 0;
	for (int x = 0; x < w; x++) best[x] = -1;
	for (int y = 0; y < h; y++) {
		float *row = map + (long)y * w;
		if (ignore) {
			const uint8_t *mask = ignore + (long)y * w;
			for (int x = 0; x < w; x++) row[x] = mask[x] ? 0 : row[x];
		}
		for (int x = 0; x < w; x++) {
			bad |= not_finite(row[x]);
			best[x] = row[x] > best[x] ? row[x] : best[x];
		}
	}
	float largest = -1;
	for (int x = 0; x < w; x++) largest = best[x] > largest ? best[x] : largest;
	*peak = largest;
	return (int)bad;
}
