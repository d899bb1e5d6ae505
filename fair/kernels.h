#pragma once
#include <stdint.h>

// Pictures are planar: three planes B, G, R of h*w floats, one after the other.

// fair_planes splits n interleaved 8-bit BGR pixels into planes 0..1 and their grey.
void fair_planes(const uint8_t *bgr, int n, float *planes, float *grey);

// fair_colour writes dL and (da)^2 + (db)^2 of CIELAB (eq. 9). Returns non-zero
// where a value of either picture is not a finite number.
int fair_colour(const float *original, const float *restored, int n, float *lightness, float *colour);

// fair_gms writes base + factor * (sum over the channels of GMS), h*w values.
// rows has room for 4*(w+2) floats.
void fair_gms(const float *original, const float *restored, int h, int w,
              float base, float factor, float *rows, float *out);

// fair_pool halves three planes: the mean of 2x2, an odd last row or column left out.
void fair_pool(const float *src, int h, int w, float *dst);

// fair_subtract_upsampled subtracts low (lh*lw), enlarged to h*w bilinearly
// with align_corners=False. row has room for lw floats.
void fair_subtract_upsampled(const float *low, int lh, int lw, int h, int w,
                             const int *x0, const float *wx, float *row, float *acc);

// fair_combine writes k * colour + gradient, and 0 where ignore (may be null) is set.
void fair_combine(const float *gradient, const float *colour, const uint8_t *ignore,
                  int n, float k, float *raw);

// fair_keep copies n values, with 0 where ignore is set.
void fair_keep(const float *values, const uint8_t *ignore, int n, float *kept);

// fair_standardise replaces each value by (value - mean) * factor: its magnitude
// where both signs count, else 0 where it is below 0.
void fair_standardise(float *values, const float *mean, const float *factor, int n, int both);

// fair_sum writes the sum of three maps.
void fair_sum(const float *gradient, const float *lightness, const float *colour, int n, float *sum);

// fair_smooth writes the size x size mean of raw with zeros around it, always
// divided by size*size. sums has room for 2*w + size + 1 doubles.
void fair_smooth(const float *raw, int h, int w, int size, double *sums, float *map);

// fair_peak sets the map to zero where ignore (may be null) is set, and writes
// the largest other value. Returns non-zero where a value is not a finite number.
// best has room for w floats.
int fair_peak(float *map, const uint8_t *ignore, int h, int w, float *best, float *peak);
