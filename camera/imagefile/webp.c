#include "codec.h"

#include <stdio.h>

#include <webp/decode.h>

static int report(VP8StatusCode status, failure *why) {
	const char *text = "the bitstream contradicts itself";
	int code = CODEC_DAMAGED;
	switch (status) {
	case VP8_STATUS_OK: return CODEC_OK;
	case VP8_STATUS_NOT_ENOUGH_DATA: code = CODEC_INCOMPLETE, text = "it ends early"; break;
	case VP8_STATUS_UNSUPPORTED_FEATURE: code = CODEC_UNSUPPORTED, text = "a feature that is not read"; break;
	case VP8_STATUS_OUT_OF_MEMORY: code = CODEC_TOO_LARGE, text = "out of memory"; break;
	default: break;
	}
	snprintf(why->text, sizeof why->text, "%s", text);
	return code;
}

int webp_read_header(const uint8_t *data, size_t size, webp_header *h, failure *why) {
	WebPBitstreamFeatures f;
	int code = report(WebPGetFeatures(data, size, &f), why);
	if (code == CODEC_OK)
		*h = (webp_header){f.width, f.height, f.has_alpha, f.has_animation, f.format == 2};
	return code;
}

int webp_decode(const uint8_t *data, size_t size, image out, failure *why) {
	WebPDecoderConfig c;
	if (!WebPInitDecoderConfig(&c))
		return report(VP8_STATUS_UNSUPPORTED_FEATURE, why);
	c.output.colorspace = MODE_BGR;
	c.output.is_external_memory = 1;
	c.output.u.RGBA.rgba = out.pixels;
	c.output.u.RGBA.stride = (int)out.stride;
	c.output.u.RGBA.size = out.stride * (size_t)out.height;
	c.output.width = out.width;
	c.output.height = out.height;
	return report(WebPDecode(data, size, &c), why);
}
