// A kind of processor's vectors; each_kind.h includes it.

typedef float vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int bits __attribute__((vector_size(4 * LANES)));

INLINE vec NAME(load)(const float *p) { return *(const vec *)p; }
INLINE void NAME(store)(float *p, vec v) { *(vec *)p = v; }

// positive is max(v, 0), and what is no number stays none.
INLINE vec NAME(positive)(vec v) { return (vec)((bits)v & ~(v < 0)); }
