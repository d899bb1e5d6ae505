#include "codec.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

// state is libjpeg's error manager with a way out of its callbacks.
typedef struct {
	struct jpeg_error_mgr manager; // first: libjpeg hands out a pointer to it
	jmp_buf out;
	volatile int code;
	failure *why;
	int checked; // every scan passed jpeg_check_scan
} state;

_Noreturn static void leave(j_common_ptr c, int code) {
	state *s = (state *)c->err;
	char text[JMSG_LENGTH_MAX];
	s->manager.format_message(c, text);
	snprintf(s->why->text, sizeof s->why->text, "%s", text);
	s->code = code;
	longjmp(s->out, 1);
}

static void on_error(j_common_ptr c) {
	switch (c->err->msg_code) {
	case JERR_NO_BACKING_STORE:
	case JERR_OUT_OF_MEMORY:
	case JERR_WIDTH_OVERFLOW:
	case JERR_IMAGE_TOO_BIG:
		leave(c, CODEC_TOO_LARGE);
	case JERR_INPUT_EMPTY:
	case JERR_INPUT_EOF:
		leave(c, CODEC_INCOMPLETE);
	case JERR_ARITH_NOTIMPL:
	case JERR_BAD_PRECISION:
	case JERR_CONVERSION_NOTIMPL:
	case JERR_CCIR601_NOTIMPL:
	case JERR_FRACT_SAMPLE_NOTIMPL:
	case JERR_NOTIMPL:
	case JERR_SOF_UNSUPPORTED:
		leave(c, CODEC_UNSUPPORTED);
	}
	leave(c, CODEC_DAMAGED);
}

// on_message is called for warnings, below 0, and for traces. libjpeg goes on
// after a warning with made-up pixels, so the first one ends the decoding. An
// unknown JFIF version says nothing of the pixels, and data that are left over at
// the end of a scan were found to be padding where it was checked.
static void on_message(j_common_ptr c, int level) {
	state *s = (state *)c->err;
	if (level >= 0 || c->err->msg_code == JWRN_JFIF_MAJOR || (s->checked && c->err->msg_code == JWRN_EXTRANEOUS_DATA))
		return;
	leave(c, c->err->msg_code == JWRN_JPEG_EOF ? CODEC_INCOMPLETE : CODEC_DAMAGED);
}

static void on_output(j_common_ptr c) { (void)c; }

static int fail(state *s, int code, const char *text) {
	snprintf(s->why->text, sizeof s->why->text, "%s", text);
	s->code = code;
	return 0;
}

// refined says whether the scans of a progressive image brought every bit of every
// coefficient. libjpeg would smooth over what is missing and not warn.
static int refined(struct jpeg_decompress_struct *c) {
	if (c->coef_bits == NULL)
		return 1; // sequential
	for (int i = 0; i < c->num_components; i++)
		for (int k = 0; k < DCTSIZE2; k++)
			if (c->coef_bits[i][k] != 0)
				return 0;
	return 1;
}

static int run(struct jpeg_decompress_struct *c, state *s, const uint8_t *data, size_t size, const image *out, size_t max_memory) {
	jpeg_create_decompress(c);
	c->mem->max_memory_to_use = (long)max_memory;
	jpeg_mem_src(c, data, size);
	jpeg_read_header(c, TRUE);
	if (c->image_width != (JDIMENSION)out->width || c->image_height != (JDIMENSION)out->height)
		return fail(s, CODEC_DAMAGED, "it has more than one frame header");
	c->out_color_space = JCS_EXT_BGR;
	c->dct_method = JDCT_ISLOW;
	c->do_fancy_upsampling = TRUE;
	c->do_block_smoothing = FALSE;
	jpeg_start_decompress(c);
	while (c->output_scanline < c->output_height) {
		JSAMPROW rows[8];
		JDIMENSION n = c->output_height - c->output_scanline;
		if (n > 8)
			n = 8;
		for (JDIMENSION i = 0; i < n; i++)
			rows[i] = out->pixels + (size_t)(c->output_scanline + i) * out->stride;
		if (jpeg_read_scanlines(c, rows, n) == 0)
			return fail(s, CODEC_INCOMPLETE, "the image data end early");
	}
	if (!refined(c))
		return fail(s, CODEC_INCOMPLETE, "scans are missing");
	jpeg_finish_decompress(c);
	return 1;
}

int jpeg_decode(const uint8_t *data, size_t size, image out, size_t max_memory, int checked, failure *why) {
	struct jpeg_decompress_struct c;
	state s;
	memset(&c, 0, sizeof c);
	s.code = CODEC_OK;
	s.why = why;
	s.checked = checked;
	c.err = jpeg_std_error(&s.manager);
	s.manager.error_exit = on_error;
	s.manager.emit_message = on_message;
	s.manager.output_message = on_output;
	if (setjmp(s.out) == 0)
		run(&c, &s, data, size, &out, max_memory);
	jpeg_destroy_decompress(&c);
	return s.code;
}
