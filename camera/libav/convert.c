#include "state.h"

#include <string.h>

#include <libavutil/imgutils.h>

enum AVPixelFormat lav_plain(enum AVPixelFormat format, int *full)
{
	enum AVPixelFormat plain = format;
	switch (format) {
	case AV_PIX_FMT_YUVJ420P: plain = AV_PIX_FMT_YUV420P; break;
	case AV_PIX_FMT_YUVJ411P: plain = AV_PIX_FMT_YUV411P; break;
	case AV_PIX_FMT_YUVJ422P: plain = AV_PIX_FMT_YUV422P; break;
	case AV_PIX_FMT_YUVJ440P: plain = AV_PIX_FMT_YUV440P; break;
	case AV_PIX_FMT_YUVJ444P: plain = AV_PIX_FMT_YUV444P; break;
	default: break;
	}
	*full |= plain != format;
	return plain;
}

// set_scaler makes the scaler for the held picture where the last one does not fit.
static int set_scaler(lav_decoder *d)
{
	const AVFrame *f = d->frame;
	int full = f->color_range == AVCOL_RANGE_JPEG;
	enum AVPixelFormat format = lav_plain(f->format, &full);
	const int want[5] = {f->width, f->height, format, f->colorspace, full};
	if (d->scaler && !memcmp(want, d->scales, sizeof want))
		return 0;
	sws_freeContext(d->scaler);
	d->scaler = sws_getContext(f->width, f->height, format, f->width, f->height, AV_PIX_FMT_BGR24, SWS_BICUBIC, NULL, NULL, NULL);
	if (!d->scaler)
		return AVERROR(ENOSYS);
	memcpy(d->scales, want, sizeof want);
	int *in, *out, in_range, out_range, brightness, contrast, saturation;
	if (sws_getColorspaceDetails(d->scaler, &in, &in_range, &out, &out_range, &brightness, &contrast, &saturation) >= 0)
		sws_setColorspaceDetails(d->scaler, sws_getCoefficients(f->colorspace), full, out, out_range, brightness, contrast, saturation);
	return 0;
}

// swscale's SIMD conversion of 4:2:0 to BGR writes 16 pixels at a time. For other
// widths it leaves out the last columns where a row has no room for all 16, and may
// write beyond the last row; then it gets padded rows, which are copied.
enum { GROUP = 16 };

int lav_convert(lav_decoder *d, uint8_t *bgr, int stride)
{
	AVFrame *f = d->frame;
	int err = set_scaler(d);
	if (err < 0)
		return err;
	uint8_t *dst[4] = {bgr};
	int strides[4] = {stride};
	if (f->width % GROUP) {
		strides[0] = FFALIGN(f->width, GROUP) * 3 + 64;
		av_fast_malloc(&d->rows, &d->rows_size, (size_t)strides[0] * (f->height + 1));
		if (!(dst[0] = d->rows))
			return AVERROR(ENOMEM);
	}
	if (sws_scale(d->scaler, (const uint8_t *const *)f->data, f->linesize, 0, f->height, dst, strides) != f->height)
		return AVERROR_EXTERNAL;
	if (dst[0] != bgr)
		av_image_copy_plane(bgr, stride, dst[0], strides[0], f->width * 3, f->height);
	return LAV_OK;
}

