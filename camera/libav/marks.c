#include "state.h"

#include <string.h>

#include <libavutil/pixdesc.h>

// A frame buffer given to the decoder carries a mark in the luma of every block of
// 16x16 pixels. Where a mark is still there when the picture is done, the block was
// never decoded: a slice is missing or broke off. libavcodec has such a check for
// H.264 alone, as a part of its error concealment, loses the result for reordered
// pictures when it decodes with frame threads, and has none for H.265.
enum {
	BLOCK = 16,
	INSET = 4, // columns and rows 4 to 11 are beyond the reach of the neighbours' deblocking
};

static const uint64_t mark = UINT64_C(0xb5ad4eceda1ce2a9);

// lav_marks names the codecs that write every block of every picture.
int lav_marks(enum AVCodecID codec)
{
	switch (codec) {
	case AV_CODEC_ID_H264:
	case AV_CODEC_ID_HEVC:
	case AV_CODEC_ID_MPEG4:
	case AV_CODEC_ID_MPEG1VIDEO:
	case AV_CODEC_ID_MPEG2VIDEO:
	case AV_CODEC_ID_VP8:
	case AV_CODEC_ID_VP9:
		return 1;
	default:
		return 0;
	}
}

static int pixel_size(const AVPixFmtDescriptor *format) { return (format->comp[0].depth + 7) / 8; }

static int exceeds(int64_t max_bytes, int width, int height, enum AVPixelFormat format)
{
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
	int64_t bytes = 3;
	if (d && d->nb_components * pixel_size(d) > 3)
		bytes = d->nb_components * pixel_size(d);
	return width > 0 && height > 0 && (int64_t)width * height > max_bytes / bytes;
}

static uint8_t *block(const marked *m, int x, int y)
{
	int row = y * BLOCK + INSET + (x & 1); // of either field
	return (uint8_t *)m->luma + row * m->stride + (x * BLOCK + INSET) * m->pixel;
}

static int columns(const marked *m) { return (m->width + BLOCK - 1 - INSET - 1) / BLOCK; }
static int lines(const marked *m) { return (m->height + BLOCK - 1 - INSET - 2) / BLOCK; }

static void put_marks(const marked *m)
{
	for (int y = 0; y < lines(m); y++)
		for (int x = 0; x < columns(m); x++)
			memcpy(block(m, x, y), &mark, sizeof mark);
}

static int has_marks(const marked *m)
{
	for (int y = 0; y < lines(m); y++)
		for (int x = 0; x < columns(m); x++)
			if (!memcmp(block(m, x, y), &mark, sizeof mark))
				return 1;
	return 0;
}

// forget_gap drops the buffers that H.264 takes for frames missing before the one
// with that tag; it asks for the frame's own last. That frames are missing is
// noticed elsewhere, and before a recovery point it does not matter.
static void forget_gap(lav_decoder *d, int64_t tag)
{
	for (int i = d->codec->codec_id == AV_CODEC_ID_H264 ? d->pendings - 1 : -1; i >= 0; i--)
		if (d->pending[i].tag == tag) {
			av_buffer_unref(&d->pending[i].buffer);
			d->pending[i] = d->pending[--d->pendings];
		}
}

static int remember(lav_decoder *d, const AVFrame *frame)
{
	const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
	if (!d->is_marking)
		return 1;
	if (!format)
		return 0;
	marked m = {.tag = frame->pts, .luma = frame->data[0], .stride = frame->linesize[0],
		    .width = frame->width, .height = frame->height, .pixel = pixel_size(format)};
	put_marks(&m);
	pthread_mutex_lock(&d->lock);
	forget_gap(d, m.tag);
	int ok = d->pendings < MAX_MARKED && (m.buffer = av_buffer_ref(frame->buf[0]));
	if (ok)
		d->pending[d->pendings++] = m;
	pthread_mutex_unlock(&d->lock);
	return ok;
}

int lav_buffer(AVCodecContext *codec, AVFrame *frame, int flags)
{
	lav_decoder *d = codec->opaque;
	if (exceeds(d->max_bytes, frame->width, frame->height, frame->format)) {
		pthread_mutex_lock(&d->lock);
		d->refused = 1, d->refused_width = frame->width, d->refused_height = frame->height;
		pthread_mutex_unlock(&d->lock);
		return AVERROR(EINVAL);
	}
	int err = avcodec_default_get_buffer2(codec, frame, flags);
	if (err < 0)
		return err;
	return remember(d, frame) ? 0 : AVERROR(ENOMEM);
}

int64_t lav_incomplete(lav_decoder *d, int64_t last)
{
	int64_t found = -1;
	pthread_mutex_lock(&d->lock);
	for (int i = 0; i < d->pendings && found < 0;) {
		marked *m = &d->pending[i];
		if (m->tag > last) {
			i++;
			continue;
		}
		if (has_marks(m))
			found = m->tag;
		av_buffer_unref(&m->buffer);
		*m = d->pending[--d->pendings];
	}
	pthread_mutex_unlock(&d->lock);
	return found;
}

void lav_forget(lav_decoder *d)
{
	for (int i = 0; i < d->pendings; i++)
		av_buffer_unref(&d->pending[i].buffer);
	d->pendings = 0;
	d->refused = 0;
}

void lav_refused(const lav_decoder *d, int *width, int *height)
{
	*width = d->refused_width, *height = d->refused_height;
}
