// What the operators' loops share: vectors of four numbers, and which copies of a
// loop this processor runs.
#ifndef FAIRD_VECTORS_H
#define FAIRD_VECTORS_H

#include <stddef.h>

#define INLINE static inline __attribute__((always_inline))

enum {
	PANEL = 16, // numbers that are computed side by side, whatever a vector's size
	FEW = 4,    // channels on one side up to which a convolution follows its definition
};

typedef float v4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef int i4 __attribute__((vector_size(16)));

INLINE v4 load4(const float *p) { return *(const v4 *)p; }
INLINE void store4(float *p, v4 v) { *(v4 *)p = v; }

INLINE void transpose4(v4 v[4]) {
	v4 ab0 = __builtin_shuffle(v[0], v[1], (i4){0, 4, 1, 5}), ab1 = __builtin_shuffle(v[0], v[1], (i4){2, 6, 3, 7});
	v4 cd0 = __builtin_shuffle(v[2], v[3], (i4){0, 4, 1, 5}), cd1 = __builtin_shuffle(v[2], v[3], (i4){2, 6, 3, 7});
	v[0] = __builtin_shuffle(ab0, cd0, (i4){0, 1, 4, 5});
	v[1] = __builtin_shuffle(ab0, cd0, (i4){2, 3, 6, 7});
	v[2] = __builtin_shuffle(ab1, cd1, (i4){0, 1, 4, 5});
	v[3] = __builtin_shuffle(ab1, cd1, (i4){2, 3, 6, 7});
}

// WIDE is where number i of two 16 bytes lies in two vectors of n.
#define WIDE(i, n) ((i) < 4 ? (i) : (n) + (i) - 4)

// Kinds of processors, best first.
enum { AVX512 = 1, AVX2 = 2, ANY = 3 };

// faird_kind is the best kind that this processor is and tests allow.
int faird_kind(void);

INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
INLINE size_t larger(size_t a, size_t b) { return a > b ? a : b; }
INLINE size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

#endif
