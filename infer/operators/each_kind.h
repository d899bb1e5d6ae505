// Includes BODY once for each kind of processor. In it NAME(f) names a copy, LANES
// is how many numbers a vector has, ROWS how many results of a product stay in
// registers, vec is a vector of numbers and bits one of as many whole numbers.

#define vec NAME(vec)
#define bits NAME(bits)
#define PARTS (PANEL / LANES)

#if defined(__x86_64__)
#define LANES 16
#define ROWS 16
#define NAME(f) f##_avx512
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4")
#include "vectors_body.h"
#include BODY
#pragma GCC pop_options
#undef NAME
#undef ROWS
#undef LANES

#define LANES 8
#define ROWS 4
#define NAME(f) f##_avx2
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#include "vectors_body.h"
#include BODY
#pragma GCC pop_options
#undef NAME
#undef ROWS
#undef LANES

#define ROWS 2
#define BEST(loops) (faird_kind() == AVX512 ? &loops##_avx512 : faird_kind() == AVX2 ? &loops##_avx2 : &loops##_any)
#else
#define ROWS 4 // a panel is four of Arm's 32 registers
#define BEST(loops) (&loops##_any)
#endif
#define LANES 4
#define NAME(f) f##_any
#include "vectors_body.h"
#include BODY
#undef NAME
#undef ROWS
#undef LANES

#undef PARTS
#undef bits
#undef vec
