#include "reader.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

struct lav_reader {
	AVFormatContext *format;
	AVPacket *packet;
	AVStream *stream; // NULL until there is a video stream
	enum AVCodecID codec;
	atomic_int stopped;
};

static int interrupted(void *reader) { return atomic_load(&((lav_reader *)reader)->stopped); }

lav_reader *lav_reader_new(void)
{
	lav_reader *r = calloc(1, sizeof *r);
	if (r && !(r->packet = av_packet_alloc())) {
		free(r);
		r = NULL;
	}
	return r;
}

// What avformat_find_stream_info would find out by decoding is not needed: formats
// come from the decoder, and a picture of any size would be decoded to see it.
int lav_reader_open(lav_reader *r, const char *url, const char *protocols, int live)
{
	r->format = avformat_alloc_context();
	if (!r->format)
		return AVERROR(ENOMEM);
	r->format->interrupt_callback = (AVIOInterruptCB){interrupted, r};
	r->format->protocol_whitelist = av_strdup(protocols);
	if (live) {
		r->format->flags |= AVFMT_FLAG_NOBUFFER;
		r->format->format_probesize = 1 << 16;
	}
	return avformat_open_input(&r->format, url, NULL, NULL);
}

void lav_reader_close(lav_reader *r)
{
	if (!r)
		return;
	avformat_close_input(&r->format);
	av_packet_free(&r->packet);
	free(r);
}

void lav_reader_stop(lav_reader *r) { atomic_store(&r->stopped, 1); }

// choose settles on the first video stream. Cover art is none.
static void choose(lav_reader *r)
{
	for (unsigned i = 0; i < r->format->nb_streams; i++) {
		AVStream *s = r->format->streams[i];
		int is_video = s->codecpar->codec_type == AVMEDIA_TYPE_VIDEO && s->codecpar->codec_id != AV_CODEC_ID_NONE &&
			       !(s->disposition & AV_DISPOSITION_ATTACHED_PIC);
		if (!r->stream && is_video) {
			r->stream = s;
			r->codec = s->codecpar->codec_id;
		}
		s->discard = !r->stream || s == r->stream ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
	}
}

static int64_t microseconds(int64_t time, AVRational base)
{
	return time == AV_NOPTS_VALUE ? INT64_MIN : av_rescale_q(time, base, AV_TIME_BASE_Q);
}

int lav_reader_next(lav_reader *r, lav_packet *out)
{
	AVPacket *p = r->packet;
	do {
		av_packet_unref(p);
		int err = av_read_frame(r->format, p);
		if (err == AVERROR(EAGAIN))
			continue;
		if (err == AVERROR_EOF)
			return LAV_END;
		if (err < 0)
			return err;
		choose(r);
	} while (!r->stream || p->stream_index != r->stream->index || p->size == 0);
	*out = (lav_packet){.packet = p, .data = p->data, .size = p->size, .pts = microseconds(p->pts, r->stream->time_base)};
	out->key = (p->flags & AV_PKT_FLAG_KEY) != 0;
	out->corrupt = (p->flags & AV_PKT_FLAG_CORRUPT) != 0;
	out->hidden = (p->flags & AV_PKT_FLAG_DISCARD) != 0;
	out->changed = r->stream->codecpar->codec_id != r->codec;
	r->codec = r->stream->codecpar->codec_id;
	size_t size = 0;
	out->extradata = av_packet_get_side_data(p, AV_PKT_DATA_NEW_EXTRADATA, &size);
	out->extradata_size = size;
	return LAV_OK;
}

void lav_reader_stream(const lav_reader *r, lav_stream *out)
{
	const AVCodecParameters *c = r->stream->codecpar;
	AVRational rate = r->stream->avg_frame_rate;
	if (rate.num <= 0 || rate.den <= 0)
		rate = r->stream->r_frame_rate;
	*out = (lav_stream){.codec = avcodec_get_name(c->codec_id), .parameters = c, .extradata = c->extradata, .extradata_size = c->extradata_size,
			    .width = c->width, .height = c->height};
	if (rate.num > 0 && rate.den > 0)
		out->rate = av_q2d(rate);
}
