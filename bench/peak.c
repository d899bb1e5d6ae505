// What the arithmetic of this machine gives at most: independent multiply-adds in
// float32 (AVX2), and of unsigned with signed bytes where the processor has VNNI.
//
//	gcc -O3 -march=native bench/peak.c -o peak -lpthread && ./peak 2
#include <immintrin.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CHAINS = 12, ROUNDS = 40000000 }; // enough chains to hide the latency of each

static void *floats(void *result) {
	__m256 chain[CHAINS], factor = _mm256_set1_ps(0.999999f), step = _mm256_set1_ps(1e-6f);
	for (int i = 0; i < CHAINS; i++) chain[i] = _mm256_set1_ps((float)i);
	for (long n = 0; n < ROUNDS; n++)
		for (int i = 0; i < CHAINS; i++) chain[i] = _mm256_fmadd_ps(chain[i], factor, step);
	for (int i = 1; i < CHAINS; i++) chain[0] = _mm256_add_ps(chain[0], chain[i]);
	_mm256_storeu_ps(result, chain[0]); // or the compiler would leave it all out
	return NULL;
}

#ifdef __AVX512VNNI__
static void *bytes(void *result) {
	__m512i chain[CHAINS], a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(-2);
	for (int i = 0; i < CHAINS; i++) chain[i] = _mm512_set1_epi32(i);
	for (long n = 0; n < ROUNDS; n++)
		for (int i = 0; i < CHAINS; i++) chain[i] = _mm512_dpbusd_epi32(chain[i], a, b);
	for (int i = 1; i < CHAINS; i++) chain[0] = _mm512_add_epi32(chain[0], chain[i]);
	_mm512_storeu_si512(result, chain[0]);
	return NULL;
}
#endif

// rate is billions of operations a second of all threads, each step of a chain so many.
static double rate(int threads, void *(*work)(void *), int operations) {
	pthread_t thread[256];
	static char result[256][64];
	struct timespec from, to;
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < threads; i++)
		if (pthread_create(&thread[i], NULL, work, result[i])) exit(1);
	for (int i = 0; i < threads; i++) pthread_join(thread[i], NULL);
	clock_gettime(CLOCK_MONOTONIC, &to);
	double seconds = (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
	return 1e-9 * threads * ROUNDS * CHAINS * operations / seconds;
}

int main(int count, char **words) {
	int threads = count > 1 ? atoi(words[1]) : 1;
	if (threads < 1 || threads > 256) {
		fprintf(stderr, "peak: %s threads: choose 1 to 256\n", words[1]);
		return 2;
	}
	for (int run = 0; run < 5; run++) {
		printf("%.0f GFLOP/s", rate(threads, floats, 2 * 8));
#ifdef __AVX512VNNI__
		printf(", %.0f GOP/s in 8 bits", rate(threads, bytes, 2 * 64));
#endif
		printf("\n");
	}
	return 0;
}
