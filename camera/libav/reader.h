// The packets of one video stream of a file or URL, through libavformat.
#ifndef FAIRD_LIBAV_READER_H
#define FAIRD_LIBAV_READER_H

#include "decoder.h"

typedef struct lav_reader lav_reader;

typedef struct {
	const char *codec;
	const void *parameters; // its AVCodecParameters
	const uint8_t *extradata;
	int extradata_size;
	int width, height; // 0 where the container does not say
	double rate;       // pictures a second, 0 where the container does not say
} lav_stream;

typedef struct {
	const void *packet; // the AVPacket, until the next call
	const uint8_t *data;
	int size;
	int64_t pts; // microseconds, INT64_MIN for none
	int key, corrupt, hidden;
	const uint8_t *extradata;
	int extradata_size; // new parameter sets, 0 for none
} lav_packet;

lav_reader *lav_reader_new(void);
int lav_reader_open(lav_reader *r, const char *url);
void lav_reader_close(lav_reader *r);

// lav_reader_stop makes a call in another thread return, and every later one.
void lav_reader_stop(lav_reader *r);

// lav_reader_next reads the next packet. The first makes lav_reader_stream known.
int lav_reader_next(lav_reader *r, lav_packet *out);
void lav_reader_stream(const lav_reader *r, lav_stream *out);

#endif
