// The image codecs, each called once for an image. They never print, never exit,
// and never write outside the pixels they were given.
#ifndef FAIRD_IMAGEFILE_CODEC_H
#define FAIRD_IMAGEFILE_CODEC_H

#include <stddef.h>
#include <stdint.h>

// What a codec function returns.
enum { CODEC_OK, CODEC_DAMAGED, CODEC_INCOMPLETE, CODEC_UNSUPPORTED, CODEC_TOO_LARGE };

// failure holds the codec's own words on why it did not succeed.
typedef struct {
	char text[256];
} failure;

// image is where the 8-bit BGR pixels go. The size is what the caller read from
// the header and allocated; a codec that finds another one fails.
typedef struct {
	uint8_t *pixels;
	size_t stride;
	int width, height;
} image;

// mat_resize makes an OpenCV Mat 8-bit BGR of that size, reusing its memory if it
// fits, and returns its pixels, or NULL if there is no memory.
uint8_t *mat_resize(void *mat, int rows, int columns, size_t *stride);

// jpeg_decode decodes a baseline or progressive JPEG of 8 bits, grey or YCbCr or
// RGB. Coefficient arrays of progressive images take at most max_memory bytes.
int jpeg_decode(const uint8_t *data, size_t size, image out, size_t max_memory, failure *why);

#endif
