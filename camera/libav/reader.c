#include "reader.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avstring.h>

struct lav_reader {
	AVFormatContext *format;
	AVPacket *packet;
	AVStream *stream; // NULL until there is a video stream
	int (*io_open)(AVFormatContext *, AVIOContext **, const char *, int, AVDictionary **);
	int opened; // files
	atomic_int stopped;

	// Transport streams alone: access units are put together here, because libavformat
	// loses on the way which of them was damaged.
	int assembles;
	AVCodecContext *parsed;
	AVCodecParserContext *parser;
	int used;    // bytes of the packet that the parser has taken
	int damaged; // the access unit in the parser
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

// open_one opens the file or URL itself, and no other that it names.
static int open_one(AVFormatContext *format, AVIOContext **io, const char *url, int flags, AVDictionary **options)
{
	lav_reader *r = format->opaque;
	return r->opened++ ? AVERROR(EPERM) : r->io_open(format, io, url, flags, options);
}

// What avformat_find_stream_info would find out by decoding is not needed: formats
// come from the decoder, and a picture of any size would be decoded to see it.
int lav_reader_open(lav_reader *r, const char *url)
{
	r->format = avformat_alloc_context();
	if (!r->format)
		return AVERROR(ENOMEM);
	r->io_open = r->format->io_open;
	r->format->io_open = open_one;
	r->format->opaque = r;
	r->format->interrupt_callback = (AVIOInterruptCB){interrupted, r};
	r->format->protocol_whitelist = av_strdup("file"); // a file leads to no network
	int err = avformat_open_input(&r->format, url, NULL, NULL);
	if (r->opened > 1 || (err >= 0 && av_match_name(r->format->iformat->name, "hls,dash,concat")))
		return LAV_LIST; // the counters of what it lists would be lost
	if (err < 0)
		return err;
	r->assembles = av_match_name("mpegts", r->format->iformat->name);
	if (r->assembles)
		r->format->flags |= AVFMT_FLAG_NOPARSE;
	return LAV_OK;
}

void lav_reader_close(lav_reader *r)
{
	if (!r)
		return;
	avformat_close_input(&r->format);
	av_parser_close(r->parser);
	avcodec_free_context(&r->parsed);
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
		if (!r->stream && is_video)
			r->stream = s;
		s->discard = !r->stream || s == r->stream ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
	}
}

static int64_t microseconds(int64_t time, AVRational base)
{
	return time == AV_NOPTS_VALUE ? INT64_MIN : av_rescale_q(time, base, AV_TIME_BASE_Q);
}

// read_packet reads the next packet of the video stream.
static int read_packet(lav_reader *r)
{
	int err;
	do {
		av_packet_unref(r->packet);
		err = av_read_frame(r->format, r->packet);
		if (err < 0 && err != AVERROR(EAGAIN))
			return err;
		if (err >= 0)
			choose(r);
	} while (err < 0 || !r->stream || r->packet->stream_index != r->stream->index || r->packet->size == 0);
	r->used = 0;
	return 0;
}

static void describe(const lav_reader *r, lav_packet *out)
{
	const AVPacket *p = r->packet;
	*out = (lav_packet){.packet = p, .data = p->data, .size = p->size, .pts = microseconds(p->pts, r->stream->time_base)};
	out->key = (p->flags & AV_PKT_FLAG_KEY) != 0;
	out->corrupt = (p->flags & AV_PKT_FLAG_CORRUPT) != 0;
	out->hidden = (p->flags & AV_PKT_FLAG_DISCARD) != 0;
	size_t size = 0;
	out->extradata = av_packet_get_side_data(p, AV_PKT_DATA_NEW_EXTRADATA, &size);
	out->extradata_size = size;
}

static int open_parser(lav_reader *r)
{
	r->parser = av_parser_init(r->stream->codecpar->codec_id);
	r->parsed = avcodec_alloc_context3(NULL);
	if (!r->parser)
		return AVERROR_DECODER_NOT_FOUND;
	if (!r->parsed)
		return AVERROR(ENOMEM);
	return avcodec_parameters_to_context(r->parsed, r->stream->codecpar);
}

// parse gives the parser data and says whether an access unit came out. Its damage
// is that of all packets that it has bytes of.
static int parse(lav_reader *r, const uint8_t *data, int size, lav_packet *out)
{
	AVPacket *p = r->packet;
	int corrupt = size > 0 && p->flags & AV_PKT_FLAG_CORRUPT;
	int64_t pts = size > 0 ? p->pts : AV_NOPTS_VALUE, dts = size > 0 ? p->dts : AV_NOPTS_VALUE;
	uint8_t *unit;
	int found;
	int taken = av_parser_parse2(r->parser, r->parsed, &unit, &found, data, size, pts, dts, p->pos);
	if (size > 0)
		p->pts = p->dts = AV_NOPTS_VALUE; // they are those of the first access unit that begins in the packet
	r->used += taken;
	if (taken > 0)
		r->damaged |= corrupt;
	if (found <= 0)
		return 0;
	*out = (lav_packet){.data = unit, .size = found, .pts = microseconds(r->parser->pts, r->stream->time_base)};
	out->key = r->parser->key_frame == 1 || r->parser->pict_type == AV_PICTURE_TYPE_I;
	out->corrupt = r->damaged != 0;
	r->damaged = corrupt;
	return 1;
}

// assemble reads packets until the parser has an access unit.
static int assemble(lav_reader *r, lav_packet *out)
{
	for (;;) {
		int err = r->parser || r->packet->size == 0 ? 0 : open_parser(r);
		if (err < 0)
			return err;
		while (r->used < r->packet->size)
			if (parse(r, r->packet->data + r->used, r->packet->size - r->used, out))
				return LAV_OK;
		err = read_packet(r);
		if (err == AVERROR_EOF && r->parser && parse(r, NULL, 0, out))
			return LAV_OK; // the last one
		if (err < 0)
			return err;
	}
}

int lav_reader_next(lav_reader *r, lav_packet *out)
{
	int err = r->assembles ? assemble(r, out) : read_packet(r);
	if (err == AVERROR_EOF)
		return LAV_END;
	if (err < 0)
		return err;
	if (!r->assembles)
		describe(r, out);
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
