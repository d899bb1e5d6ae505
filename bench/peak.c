// What the arithmetic of this machine gives at most: independent float32 multiply-adds (AVX2), GFLOP/s.
//
//	gcc -O3 -mavx2 -mfma bench/peak.c -o peak -lpthread && ./peak 2
#include <immintrin.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CHAINS = 12, LANES = 8, ROUNDS = 40000000 }; // enough chains to hide the latency of each

static void *work(void *result) {
	__m256 chain[CHAINS], factor = _mm256_set1_ps(0.999999f), step = _mm256_set1_ps(1e-6f);
	for (int i = 0; i < CHAINS; i++) chain[i] = _mm256_set1_ps((float)i);
	for (long n = 0; n < ROUNDS; n++)
		for (int i = 0; i < CHAINS; i++) chain[i] = _mm256_fmadd_ps(chain[i], factor, step);
	for (int i = 1; i < CHAINS; i++) chain[0] = _mm256_add_ps(chain[0], chain[i]);
	_mm256_storeu_ps(result, chain[0]); // or the compiler would leave it all out
	return NULL;
}

int main(int count, char **words) {
	int threads = count > 1 ? atoi(words[1]) : 1;
	if (threads < 1 || threads > 256) {
		fprintf(stderr, "peak: %s threads: choose 1 to 256\n", words[1]);
		return 2;
	}
	for (int run = 0; run < 5; run++) {
		pthread_t thread[256];
		float result[256][LANES];
		struct timespec from, to;
		clock_gettime(CLOCK_MONOTONIC, &from);
		for (int i = 0; i < threads; i++)
			if (pthread_create(&thread[i], NULL, work, result[i])) return 1;
		for (int i = 0; i < threads; i++) pthread_join(thread[i], NULL);
		clock_gettime(CLOCK_MONOTONIC, &to);
		double seconds = (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
		printf("%.0f GFLOP/s\n", 2.0 * threads * ROUNDS * CHAINS * LANES / seconds / 1e9);
	}
	return 0;
}
