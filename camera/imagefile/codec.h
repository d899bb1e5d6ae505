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
// RGB. Coefficient arrays of progressive images take at most max_memory bytes;
// checked says that every scan has passed jpeg_check_scan.
int jpeg_decode(const uint8_t *data, size_t size, image out, size_t max_memory, int checked, failure *why);

// jpeg_huffman is a table as a DHT segment defines it.
typedef struct {
	uint8_t counts[16]; // codes of each length from 1
	uint8_t symbols[256];
	uint8_t known;
} jpeg_huffman;

// jpeg_scan is one scan of a sequential image.
typedef struct {
	jpeg_huffman dc[4], ac[4]; // of each component in it
	int components, blocks[4]; // in a minimum coded unit
	uint32_t mcus, restart;    // minimum coded units: of the scan, between restart markers
} jpeg_scan;

// jpeg_check_scan follows the Huffman codes of a scan without decoding any pixel.
// libjpeg accepts blocks of more than 64 coefficients, symbols that mean nothing,
// and some data that are left over, all of which a lost or altered byte causes.
int jpeg_check_scan(const uint8_t *data, size_t size, const jpeg_scan *s, failure *why);

// jpeg_standard_tables are the tables of T.81 annex K, which Motion JPEG may omit.
void jpeg_standard_tables(jpeg_huffman dc[4], jpeg_huffman ac[4]);

// png_decode decodes a PNG of any colour type whose CRCs the caller has checked.
// Samples of 16 bits have depth significant ones, which table maps to 8 bits.
int png_decode(const uint8_t *data, size_t size, image out, int depth, const uint8_t *table, failure *why);

// tiff_header is what the first directory of a TIFF says, in libtiff's numbers.
typedef struct {
	uint64_t chunk; // bytes of a decoded strip or tile
	uint32_t width, height;
	uint16_t bits, channels, format, compression, planar, photometric, fill_order, predictor;
	uint16_t most; // MaxSampleValue, 0 for none
} tiff_header;

// tiff_read_header reads the first directory. No allocation exceeds max_alloc.
int tiff_read_header(const uint8_t *data, size_t size, size_t max_alloc, tiff_header *h, failure *why);

// tiff_decode decodes the first image, of a kind that tiff.go has found readable.
// table maps samples of 0..most to 8 bits; a palette replaces it.
int tiff_decode(const uint8_t *data, size_t size, size_t max_alloc, image out, const uint8_t *table, int most, failure *why);

// webp_header is what a WebP says of itself.
typedef struct {
	int width, height, alpha, animated, lossless;
} webp_header;

int webp_read_header(const uint8_t *data, size_t size, webp_header *h, failure *why);

// webp_decode decodes a still WebP, lossy or lossless.
int webp_decode(const uint8_t *data, size_t size, image out, failure *why);

// inflate_all decompresses a zlib stream and says whether it is whole and its
// checksum holds; got is how much came out.
int inflate_all(const uint8_t *in, size_t size, uint8_t *out, size_t capacity, size_t *got);

#endif
