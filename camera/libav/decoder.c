#include "decoder.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

// A frame buffer handed to the decoder carries a mark in the luma of every block
// of 16x16 pixels. Where the mark is still there when the picture is done, the
// block was never decoded: a slice is missing or broke off. libavcodec has such a
// check for H.264 alone, as a part of its error concealment, loses the result for
// reordered pictures when it decodes with frame threads, and has none for H.265.
enum {
	BLOCK = 16,
	INSET = 4,     // columns and rows 4 to 11 are beyond the reach of the neighbours' deblocking
	MAX_MARKED = 64,
};

static const uint64_t mark = UINT64_C(0xb5ad4eceda1ce2a9);

typedef struct {
	int64_t tag;
	AVBufferRef *buffer; // keeps the pixels from being used again before they are looked at
	const uint8_t *luma;
	ptrdiff_t stride;
	int width, height, pixel; // pixel: bytes
} marked;

struct lav_decoder {
	AVCodecContext *codec;
	AVCodecContext *parsed; // the parser's own, never opened
	AVCodecParserContext *parser;
	AVPacket *packet;
	AVFrame *frame;
	struct SwsContext *scaler;
	AVCodecParameters *parameters;
	int64_t max_bytes;
	int threads, frame_threads;
	int scales[5]; // what the scaler is set to: width, height, format, matrix, range
	uint8_t *rows; // picture with padded rows, for widths that swscale's fast path gets wrong
	unsigned rows_size;

	pthread_mutex_t lock; // of what follows: decoder threads ask for buffers
	int is_marking;
	marked pending[MAX_MARKED];
	int pendings;
	int refused, refused_width, refused_height;
};

static int marks(enum AVCodecID id)
{
	switch (id) {
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

static int remember(lav_decoder *d, AVFrame *frame)
{
	const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
	int ok = 0;
	pthread_mutex_lock(&d->lock);
	if (d->is_marking && format && d->pendings < MAX_MARKED) {
		marked m = {.tag = frame->pts, .luma = frame->data[0], .stride = frame->linesize[0],
			    .width = frame->width, .height = frame->height, .pixel = pixel_size(format)};
		m.buffer = av_buffer_ref(frame->buf[0]);
		if (m.buffer) {
			put_marks(&m);
			d->pending[d->pendings++] = m;
			ok = 1;
		}
	}
	if (!d->is_marking)
		ok = 1;
	pthread_mutex_unlock(&d->lock);
	return ok;
}

static int get_buffer(AVCodecContext *codec, AVFrame *frame, int flags)
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

static void forget(lav_decoder *d)
{
	for (int i = 0; i < d->pendings; i++)
		av_buffer_unref(&d->pending[i].buffer);
	d->pendings = 0;
	d->refused = 0;
}

// open_codec makes a fresh decoder.
static int open_codec(lav_decoder *d)
{
	const AVCodec *codec = avcodec_find_decoder(d->parameters->codec_id);
	if (!codec || codec->type != AVMEDIA_TYPE_VIDEO)
		return AVERROR_DECODER_NOT_FOUND;
	AVCodecContext *c = d->codec = avcodec_alloc_context3(codec);
	if (!c)
		return AVERROR(ENOMEM);
	int err = avcodec_parameters_to_context(c, d->parameters);
	if (err < 0)
		return err;
	c->opaque = d;
	c->get_buffer2 = get_buffer;
	c->max_pixels = d->max_bytes / 3;
	c->thread_count = d->threads;
	c->thread_type = d->frame_threads ? FF_THREAD_FRAME : FF_THREAD_SLICE;
	c->flags |= AV_CODEC_FLAG_UNALIGNED; // cropping is exact
	c->err_recognition = AV_EF_EXPLODE | AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_CAREFUL;
	c->export_side_data = AV_CODEC_EXPORT_DATA_FILM_GRAIN; // no grain is painted over the picture
	if (codec->id == AV_CODEC_ID_H264)
		c->err_recognition |= AV_EF_AGGRESSIVE; // data left over in a CAVLC slice
	if ((d->is_marking = marks(codec->id)))
		c->error_concealment = 0; // it would paint over the marks
	return avcodec_open2(c, codec, NULL);
}

static int open_parser(lav_decoder *d)
{
	d->parsed = avcodec_alloc_context3(d->codec->codec);
	if (!d->parsed)
		return AVERROR(ENOMEM);
	d->parser = av_parser_init(d->codec->codec_id);
	if (d->parser)
		d->parser->flags |= PARSER_FLAG_COMPLETE_FRAMES;
	return 0;
}

static int set_parameters(AVCodecParameters *p, const lav_options *o)
{
	if (o->parameters)
		avcodec_parameters_copy(p, o->parameters);
	const AVCodecDescriptor *known = avcodec_descriptor_get_by_name(o->codec);
	p->codec_type = AVMEDIA_TYPE_VIDEO;
	p->codec_id = known ? known->id : AV_CODEC_ID_NONE;
	av_freep(&p->extradata);
	p->extradata_size = 0;
	if (o->extradata_size == 0)
		return 0;
	p->extradata = av_mallocz(o->extradata_size + AV_INPUT_BUFFER_PADDING_SIZE);
	if (!p->extradata)
		return AVERROR(ENOMEM);
	memcpy(p->extradata, o->extradata, o->extradata_size);
	p->extradata_size = o->extradata_size;
	return 0;
}

static int setup(lav_decoder *d, const lav_options *o)
{
	d->max_bytes = o->max_bytes, d->threads = o->threads, d->frame_threads = o->frame_threads;
	d->parameters = avcodec_parameters_alloc();
	d->packet = av_packet_alloc();
	d->frame = av_frame_alloc();
	if (!d->parameters || !d->packet || !d->frame)
		return AVERROR(ENOMEM);
	int err = set_parameters(d->parameters, o);
	if (err < 0 || (err = open_codec(d)) < 0)
		return err;
	return open_parser(d);
}

int lav_open(const lav_options *o, lav_decoder **out)
{
	lav_decoder *d = calloc(1, sizeof *d);
	if (!d)
		return AVERROR(ENOMEM);
	pthread_mutex_init(&d->lock, NULL);
	int err = setup(d, o);
	if (err < 0) {
		lav_close(d);
		return err;
	}
	*out = d;
	return LAV_OK;
}

void lav_close(lav_decoder *d)
{
	if (!d)
		return;
	avcodec_free_context(&d->codec);
	forget(d);
	avcodec_free_context(&d->parsed);
	av_parser_close(d->parser);
	av_packet_free(&d->packet);
	av_frame_free(&d->frame);
	sws_freeContext(d->scaler);
	av_free(d->rows);
	avcodec_parameters_free(&d->parameters);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static int result(lav_decoder *d, int err)
{
	if (err >= 0)
		return LAV_OK;
	if (err == AVERROR(EAGAIN))
		return LAV_AGAIN;
	if (err == AVERROR_EOF)
		return LAV_END;
	pthread_mutex_lock(&d->lock);
	int refused = d->refused;
	d->refused = 0;
	pthread_mutex_unlock(&d->lock);
	return refused ? LAV_TOO_LARGE : err;
}

int lav_send(lav_decoder *d, const uint8_t *data, int size, int64_t tag)
{
	if (size == 0)
		return result(d, avcodec_send_packet(d->codec, NULL));
	int err = av_new_packet(d->packet, size);
	if (err < 0)
		return err;
	memcpy(d->packet->data, data, size);
	d->packet->pts = tag;
	err = avcodec_send_packet(d->codec, d->packet);
	av_packet_unref(d->packet);
	return result(d, err);
}

int lav_forward(lav_decoder *d, const void *packet, int64_t tag)
{
	int err = av_packet_ref(d->packet, packet);
	if (err < 0)
		return err;
	d->packet->pts = d->packet->dts = tag;
	d->packet->flags &= ~AV_PKT_FLAG_DISCARD; // that is for us to do
	err = avcodec_send_packet(d->codec, d->packet);
	av_packet_unref(d->packet);
	return result(d, err);
}

// normal returns a pixel format without the range in its name.
static enum AVPixelFormat normal(enum AVPixelFormat f, int *full)
{
	enum AVPixelFormat plain = f;
	switch (f) {
	case AV_PIX_FMT_YUVJ420P: plain = AV_PIX_FMT_YUV420P; break;
	case AV_PIX_FMT_YUVJ411P: plain = AV_PIX_FMT_YUV411P; break;
	case AV_PIX_FMT_YUVJ422P: plain = AV_PIX_FMT_YUV422P; break;
	case AV_PIX_FMT_YUVJ440P: plain = AV_PIX_FMT_YUV440P; break;
	case AV_PIX_FMT_YUVJ444P: plain = AV_PIX_FMT_YUV444P; break;
	default: break;
	}
	*full |= plain != f;
	return plain;
}

int lav_receive(lav_decoder *d, lav_picture *out)
{
	int err = avcodec_receive_frame(d->codec, d->frame);
	if (err < 0)
		return result(d, err);
	AVFrame *f = d->frame;
	*out = (lav_picture){.tag = f->pts, .width = f->width, .height = f->height, .key = f->key_frame};
	out->full_range = f->color_range == AVCOL_RANGE_JPEG;
	out->format = av_get_pix_fmt_name(normal(f->format, &out->full_range));
	out->matrix = av_color_space_name(f->colorspace);
	out->flagged = (f->flags & AV_FRAME_FLAG_CORRUPT) != 0;
	// Without concealment the other flags of H.264's slices say nothing.
	if (d->codec->error_concealment)
		out->flagged |= f->decode_error_flags != 0;
	return LAV_OK;
}

// set_scaler makes the scaler for the held picture where the last one does not fit.
static int set_scaler(lav_decoder *d)
{
	const AVFrame *f = d->frame;
	int full = f->color_range == AVCOL_RANGE_JPEG;
	enum AVPixelFormat format = normal(f->format, &full);
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

// fast says whether swscale writes all of every row for a picture of that width
// straight into dense rows. Its SIMD conversion of 4:2:0 to BGR handles columns in
// groups, skips the last group where the row has no room for all of it, and
// so leaves what was there before.
static int fast(int width) { return width % 32 == 0; }

int lav_convert(lav_decoder *d, uint8_t *bgr, int stride)
{
	AVFrame *f = d->frame;
	int err = set_scaler(d);
	if (err < 0)
		return err;
	uint8_t *dst[4] = {bgr};
	int strides[4] = {stride};
	if (!fast(f->width)) {
		strides[0] = FFALIGN(f->width, 32) * 3 + 64;
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

void lav_refused(const lav_decoder *d, int *width, int *height)
{
	*width = d->refused_width, *height = d->refused_height;
}

int lav_is_key(lav_decoder *d, const uint8_t *data, int size)
{
	const AVCodecDescriptor *known = avcodec_descriptor_get(d->codec->codec_id);
	if (known && known->props & AV_CODEC_PROP_INTRA_ONLY)
		return 1;
	if (!d->parser)
		return -1;
	uint8_t *out;
	int out_size;
	av_parser_parse2(d->parser, d->parsed, &out, &out_size, data, size, AV_NOPTS_VALUE, AV_NOPTS_VALUE, -1);
	if (d->parser->key_frame >= 0)
		return d->parser->key_frame;
	return d->parser->pict_type ? d->parser->pict_type == AV_PICTURE_TYPE_I : -1;
}

int lav_reset(lav_decoder *d)
{
	avcodec_free_context(&d->codec);
	forget(d); // its threads have ended
	return open_codec(d);
}

void lav_error(int code, char *text, size_t size) { av_strerror(code, text, size); }

static void ignore(void *context, int level, const char *format, va_list arguments) {}

void lav_quiet(void)
{
	av_log_set_level(AV_LOG_QUIET);
	av_log_set_callback(ignore);
}
