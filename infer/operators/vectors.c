#include "vectors.h"

#include <stdatomic.h>

#include "kinds.h"

static atomic_int most; // what tests allow; 0 is the best there is

static int has(int kind) {
#if defined(__x86_64__)
	if (kind == AVX512) return __builtin_cpu_supports("x86-64-v4") != 0;
	if (kind == AVX2) return __builtin_cpu_supports("x86-64-v3") != 0;
#endif
	return kind == ANY || kind == 0;
}

int faird_use(int kind) {
	if (!has(kind)) return 0;
	atomic_store(&most, kind);
	return 1;
}

int faird_kind(void) {
	for (int kind = atomic_load(&most) > AVX512 ? atomic_load(&most) : AVX512; kind < ANY; kind++)
		if (has(kind)) return kind;
	return ANY;
}
