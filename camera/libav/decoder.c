#include "state.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>

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
	c->get_buffer2 = lav_buffer;
	c->max_pixels = d->max_bytes / 3;
	c->thread_count = d->threads;
	c->thread_type = d->frame_threads ? FF_THREAD_FRAME : FF_THREAD_SLICE;
	c->flags |= AV_CODEC_FLAG_UNALIGNED; // cropping is exact
	c->err_recognition = AV_EF_EXPLODE | AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_CAREFUL;
	c->export_side_data = AV_CODEC_EXPORT_DATA_FILM_GRAIN; // no grain is painted over the picture
	if (codec->id == AV_CODEC_ID_H264)
		c->err_recognition |= AV_EF_AGGRESSIVE; // data left over in a CAVLC slice
	if ((d->is_marking = lav_marks(codec->id)))
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
	lav_forget(d);
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
	if (!d->codec) // there was no memory for a reset
		return AVERROR(ENOMEM);
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
	if (!d->codec)
		return AVERROR(ENOMEM);
	int err = av_packet_ref(d->packet, packet);
	if (err < 0)
		return err;
	d->packet->pts = d->packet->dts = tag;
	d->packet->flags &= ~AV_PKT_FLAG_DISCARD; // that is for us to do
	err = avcodec_send_packet(d->codec, d->packet);
	av_packet_unref(d->packet);
	return result(d, err);
}

int lav_receive(lav_decoder *d, lav_picture *out)
{
	int err = d->codec ? avcodec_receive_frame(d->codec, d->frame) : AVERROR_EOF;
	if (err < 0)
		return result(d, err);
	AVFrame *f = d->frame;
	*out = (lav_picture){.tag = f->pts, .width = f->width, .height = f->height, .key = f->key_frame};
	out->full_range = f->color_range == AVCOL_RANGE_JPEG;
	out->format = av_get_pix_fmt_name(lav_plain(f->format, &out->full_range));
	out->matrix = av_color_space_name(f->colorspace);
	out->flagged = (f->flags & AV_FRAME_FLAG_CORRUPT) != 0;
	// Without concealment the other flags of H.264's slices say nothing.
	if (d->codec->error_concealment)
		out->flagged |= f->decode_error_flags != 0;
	return LAV_OK;
}

int lav_complained(lav_decoder *d) { return atomic_exchange(&d->complained, 0); }

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
	lav_forget(d); // its threads have ended
	int err = open_codec(d);
	if (err < 0)
		avcodec_free_context(&d->codec);
	return err;
}

void lav_error(int code, char *text, size_t size) { av_strerror(code, text, size); }

// note prints nothing, and tells the decoder that it has logged an error.
static void note(void *context, int level, const char *format, va_list arguments)
{
	if (level > AV_LOG_ERROR || !context || *(const AVClass **)context != avcodec_get_class())
		return;
	lav_decoder *d = ((AVCodecContext *)context)->opaque;
	if (d)
		atomic_store(&d->complained, 1);
}

void lav_quiet(void)
{
	av_log_set_level(AV_LOG_QUIET);
	av_log_set_callback(note);
}
