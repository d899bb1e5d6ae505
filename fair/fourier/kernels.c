// The transforms' inner loops, in the shape that compilers vectorise: real and
// imaginary parts in arrays of their own, no branches, no calls.
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

// The arrays of a loop do not overlap. Compilers forget restrict when they inline.
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

#define INLINE static inline __attribute__((always_inline))

// numbers are complex ones, real and imaginary parts apart.
typedef struct {
	float *re, *im;
} numbers;

INLINE numbers at(numbers a, long i) { return (numbers){a.re + i, a.im + i}; }

// swapped turns a forward transform into an inverse one.
INLINE numbers swapped(numbers a) { return (numbers){a.im, a.re}; }

// four is a step of radix 4 on n neighbouring numbers: the inputs are apart from
// each other by in, the outputs by n. w are the twiddles of the outputs 1 to 3.
INLINE void four(numbers x, long in, numbers y, long n, const float *w) {
	const float *restrict ar = x.re, *restrict ai = x.im, *restrict br = x.re + in, *restrict bi = x.im + in;
	const float *restrict cr = x.re + 2 * in, *restrict ci = x.im + 2 * in;
	const float *restrict dr = x.re + 3 * in, *restrict di = x.im + 3 * in;
	float *restrict er = y.re, *restrict ei = y.im, *restrict fr = y.re + n, *restrict fi = y.im + n;
	float *restrict gr = y.re + 2 * n, *restrict gi = y.im + 2 * n;
	float *restrict hr = y.re + 3 * n, *restrict hi = y.im + 3 * n;
	float r1 = w[0], i1 = w[1], r2 = w[2], i2 = w[3], r3 = w[4], i3 = w[5];
	INDEPENDENT
	for (long i = 0; i < n; i++) {
		float pr = ar[i] + cr[i], pi = ai[i] + ci[i], qr = ar[i] - cr[i], qi = ai[i] - ci[i];
		float sr = br[i] + dr[i], si = bi[i] + di[i], tr = bi[i] - di[i], ti = dr[i] - br[i];
		float ur = qr + tr, ui = qi + ti, vr = pr - sr, vi = pi - si, wr = qr - tr, wi = qi - ti;
		er[i] = pr + sr;
		ei[i] = pi + si;
		fr[i] = ur * r1 - ui * i1;
		fi[i] = ur * i1 + ui * r1;
		gr[i] = vr * r2 - vi * i2;
		gi[i] = vr * i2 + vi * r2;
		hr[i] = wr * r3 - wi * i3;
		hi[i] = wr * i3 + wi * r3;
	}
}

// add adds the input, times one number, to n neighbouring outputs.
INLINE void add(numbers x, numbers y, long n, float re, float im) {
	const float *restrict xr = x.re, *restrict xi = x.im;
	float *restrict yr = y.re, *restrict yi = y.im;
	INDEPENDENT
	for (long i = 0; i < n; i++) {
		yr[i] += re * xr[i] - im * xi[i];
		yi[i] += re * xi[i] + im * xr[i];
	}
}

// any is a step of any radix r, by the definition. roots are exp(-2 pi i k / r).
INLINE void any(int r, numbers x, long in, numbers y, long n, const float *roots, const float *w) {
	for (int k = 0; k < r; k++) {
		float wr = k ? w[2 * k - 2] : 1, wi = k ? w[2 * k - 1] : 0;
		numbers out = at(y, k * n);
		memset(out.re, 0, sizeof(float) * (size_t)n);
		memset(out.im, 0, sizeof(float) * (size_t)n);
		for (int j = 0; j < r; j++) {
			const float *root = roots + 2 * (j * k % r);
			add(at(x, j * in), out, n, root[0] * wr - root[1] * wi, root[0] * wi + root[1] * wr);
		}
	}
}

// transform is the forward transform of lanes columns of n numbers, [n][lanes].
// x and y change places at every step; the result is in what it returns, and
// the other one is free.
INLINE numbers transform(numbers x, numbers y, int n, long lanes, const int32_t *factors, const float *w) {
	for (long s = lanes; *factors; factors++) {
		int r = *factors;
		n /= r;
		const float *roots = w;
		if (r != 4) w += 2 * r;
		for (int p = 0; p < n; p++, w += 2 * (r - 1)) {
			if (r == 4)
				four(at(x, s * p), s * n, at(y, s * 4 * p), s, w);
			else
				any(r, at(x, s * p), s * n, at(y, s * r * p), s, roots, w);
		}
		s *= r;
		numbers z = x;
		x = y;
		y = z;
	}
	return x;
}

// The spectra of two real columns, x and x + left, travel as one: z = f + i g, so
// that 2 f = z(u) + conj z(-u) and 2i g = z(u) - conj z(-u). Blocks of this side
// keep the turned array in the first cache.
enum { block = 16 };

INLINE int least(int a, int b) { return a < b ? a : b; }

// part takes z, [rows][half], apart into twice the spectra of its columns,
// [cols][lanes], of which u = 0 .. rows/2 are kept.
INLINE void part(numbers z, int rows, int cols, int half, int lanes, numbers out) {
	int left = (cols + 1) / 2;
	for (int u0 = 0; u0 <= rows / 2; u0 += block) {
		for (int x0 = 0; x0 < left; x0 += block) {
			int u1 = least(u0 + block, rows / 2 + 1), x1 = least(x0 + block, left);
			for (int u = u0; u < u1; u++) {
				numbers a = at(z, (long)u * half), b = at(z, (long)(u ? rows - u : 0) * half);
				for (int x = x0; x < x1; x++) {
					long i = (long)x * lanes + u, j = (long)(x + left) * lanes + u;
					out.re[i] = a.re[x] + b.re[x];
					out.im[i] = a.im[x] - b.im[x];
					if (x + left == cols) continue; // an odd number of columns
					out.re[j] = a.im[x] + b.im[x];
					out.im[j] = b.re[x] - a.re[x];
				}
			}
		}
	}
}

// join is the way back, without the factor of two.
INLINE void join(numbers in, int rows, int cols, int half, int lanes, numbers z) {
	int left = (cols + 1) / 2;
	for (int u0 = 0; u0 <= rows / 2; u0 += block) {
		for (int x0 = 0; x0 < left; x0 += block) {
			int u1 = least(u0 + block, rows / 2 + 1), x1 = least(x0 + block, left);
			for (int u = u0; u < u1; u++) {
				numbers a = at(z, (long)u * half), b = at(z, (long)(u ? rows - u : 0) * half);
				for (int x = x0; x < x1; x++) {
					long i = (long)x * lanes + u, j = (long)least(x + left, cols - 1) * lanes + u;
					float fr = in.re[i], fi = in.im[i], gr = in.re[j], gi = in.im[j];
					b.re[x] = fr + gi;
					b.im[x] = gr - fi;
					a.re[x] = fr - gi;
					a.im[x] = fi + gr;
				}
			}
		}
	}
}

CLONES void fourier_filter(int rows, int cols, int half, int lanes,
                           const int32_t *row_factors, const float *row_twiddles,
                           const int32_t *col_factors, const float *col_twiddles,
                           const float *transfer, const float *src, int room, float *work, float *dst) {
	long left = (cols + 1) / 2, right = cols - left, n = (long)cols * lanes;
	numbers a = {work, work + room}, b = {work + 2 * (long)room, work + 3 * (long)room};
	for (int y = 0; y < rows; y++) {
		numbers row = at(a, (long)y * half);
		memset(row.re, 0, sizeof(float) * (size_t)half);
		memset(row.im, 0, sizeof(float) * (size_t)half);
		memcpy(row.re, src + y * (long)cols, sizeof(float) * (size_t)left);
		memcpy(row.im, src + y * (long)cols + left, sizeof(float) * (size_t)right);
	}
	numbers z = transform(a, b, rows, half, row_factors, row_twiddles);
	numbers spectra = z.re == a.re ? b : a;
	part(z, rows, cols, half, lanes, spectra);

	numbers f = transform(spectra, z, cols, lanes, col_factors, col_twiddles);
	numbers other = f.re == a.re ? b : a;
	for (long i = 0; i < n; i++) {
		f.re[i] *= transfer[i];
		f.im[i] *= transfer[i];
	}
	f = swapped(transform(swapped(f), swapped(other), cols, lanes, col_factors, col_twiddles));
	other = f.re == a.re ? b : a;
	join(f, rows, cols, half, lanes, other);

	z = swapped(transform(swapped(other), swapped(f), rows, half, row_factors, row_twiddles));
	for (int y = 0; y < rows; y++) {
		memcpy(dst + y * (long)cols, z.re + (long)y * half, sizeof(float) * (size_t)left);
		memcpy(dst + y * (long)cols + left, z.im + (long)y * half, sizeof(float) * (size_t)right);
	}
}
