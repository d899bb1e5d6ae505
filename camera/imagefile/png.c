#include "codec.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <png.h>

// state is what the callbacks of libpng need.
typedef struct {
	jmp_buf out;
	volatile int code;
	failure *why;
	const uint8_t *data;
	size_t left;
	const uint8_t *table; // scales samples of 16 bits
	int shift;            // their bits below the significant ones
	png_colorp palette;
	int colours; // of it
} state;

_Noreturn static void leave(state *s, int code, const char *text) {
	snprintf(s->why->text, sizeof s->why->text, "%s", text);
	s->code = code;
	longjmp(s->out, 1);
}

static void on_error(png_structp p, png_const_charp text) { leave(png_get_error_ptr(p), CODEC_DAMAGED, text); }

static void on_read(png_structp p, png_bytep to, size_t n) {
	state *s = png_get_io_ptr(p);
	if (n > s->left)
		leave(s, CODEC_INCOMPLETE, "it ends early");
	memcpy(to, s->data, n);
	s->data += n;
	s->left -= n;
}

static uint8_t scaled(const state *s, const uint8_t *sample) { return s->table[(sample[0] << 8 | sample[1]) >> s->shift]; }

// on_row makes big-endian samples of 16 bits, grey or BGR, BGR of 8 bits in place.
static void on_row(png_structp p, png_row_infop row, png_bytep data) {
	const state *s = png_get_user_transform_ptr(p);
	if (row->channels == 1) {
		for (size_t i = row->width; i-- > 0;)
			data[3 * i] = data[3 * i + 1] = data[3 * i + 2] = scaled(s, data + 2 * i);
		return;
	}
	for (size_t i = 0; i < 3 * (size_t)row->width; i++)
		data[i] = scaled(s, data + 2 * i);
}

// on_indexed_row makes indices of 8 bits BGR in place. libpng would make a colour that
// the palette lacks black.
static void on_indexed_row(png_structp p, png_row_infop row, png_bytep data) {
	const state *s = png_get_user_transform_ptr(p);
	for (size_t i = row->width; i-- > 0;) {
		if (data[i] >= s->colours)
			png_error(p, "a pixel has a colour that the palette lacks");
		png_color c = s->palette[data[i]];
		data[3 * i] = c.blue, data[3 * i + 1] = c.green, data[3 * i + 2] = c.red;
	}
}

// prepare chooses libpng's conversions to 8-bit BGR.
static void prepare(png_structp p, png_infop info, state *s) {
	int colour = png_get_color_type(p, info), bits = png_get_bit_depth(p, info);
	png_set_strip_alpha(p);
	png_set_bgr(p);
	if (colour == PNG_COLOR_TYPE_PALETTE) {
		png_set_packing(p); // or rather unpacking: a byte for each index
		png_get_PLTE(p, info, &s->palette, &s->colours);
		png_set_read_user_transform_fn(p, on_indexed_row);
	} else if (bits == 16) {
		png_set_read_user_transform_fn(p, on_row);
	} else {
		png_set_expand_gray_1_2_4_to_8(p);
		png_set_gray_to_rgb(p);
		return;
	}
	png_set_user_transform_info(p, s, 8, 3);
}

static void run(png_structp p, png_infop info, state *s, const image *out) {
	png_set_read_fn(p, s, on_read);
	// The caller has checked every CRC. Chunks that say nothing of the samples are
	// passed over, so that every warning that is left is one about the pixels.
	png_set_crc_action(p, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
	png_set_keep_unknown_chunks(p, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
	png_set_keep_unknown_chunks(p, PNG_HANDLE_CHUNK_NEVER, (png_const_bytep) "tRNS", 1); // alpha
	png_set_benign_errors(p, 0);
	png_set_user_limits(p, out->width, out->height);
	png_read_info(p, info);
	if (png_get_image_width(p, info) != (png_uint_32)out->width || png_get_image_height(p, info) != (png_uint_32)out->height)
		leave(s, CODEC_DAMAGED, "it has more than one header");
	prepare(p, info, s);
	int passes = png_set_interlace_handling(p);
	png_read_update_info(p, info);
	if (png_get_rowbytes(p, info) != 3 * (size_t)out->width)
		leave(s, CODEC_UNSUPPORTED, "its pixels cannot be converted to 8-bit BGR");
	for (int pass = 0; pass < passes; pass++)
		for (int y = 0; y < out->height; y++)
			png_read_row(p, out->pixels + (size_t)y * out->stride, NULL);
	png_read_end(p, NULL);
}

int png_decode(const uint8_t *data, size_t size, image out, int depth, const uint8_t *table, failure *why) {
	state s = {.code = CODEC_OK, .why = why, .data = data, .left = size, .table = table, .shift = 16 - depth};
	png_structp p = png_create_read_struct(PNG_LIBPNG_VER_STRING, &s, on_error, on_error);
	png_infop info = p == NULL ? NULL : png_create_info_struct(p);
	if (info == NULL) {
		png_destroy_read_struct(&p, NULL, NULL);
		snprintf(why->text, sizeof why->text, "out of memory");
		return CODEC_TOO_LARGE;
	}
	if (setjmp(s.out) == 0)
		run(p, info, &s, &out);
	png_destroy_read_struct(&p, &info, NULL);
	return s.code;
}
