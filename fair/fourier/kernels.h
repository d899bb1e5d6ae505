#pragma once
#include <stdint.h>

// fourier_filter multiplies the spectrum of src, rows x cols, by transfer and
// writes the inverse transform to dst; src and dst may be the same.
//
// Factors end with 0. Twiddles are those of the factors one after the other: of
// a factor r at length n, for p = 0 .. n/r-1 the r-1 numbers exp(-2 pi i p k / n),
// k = 1 .. r-1; where r is not 4, the r numbers exp(-2 pi i k / r) before them.
//
// transfer is [cols][lanes], of the frequencies v = 0 .. cols-1 and
// u = 0 .. rows/2; lanes is at least rows/2 + 1, half at least (cols+1)/2. work has
// four parts of room floats, each at least rows * half and cols * lanes.
void fourier_filter(int rows, int cols, int half, int lanes,
                    const int32_t *row_factors, const float *row_twiddles,
                    const int32_t *col_factors, const float *col_twiddles,
                    const float *transfer, const float *src, int room, float *work, float *dst);
