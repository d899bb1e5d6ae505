// What the parts of a decoder share.
#ifndef FAIRD_LIBAV_STATE_H
#define FAIRD_LIBAV_STATE_H

#include "decoder.h"

#include <pthread.h>
#include <stdatomic.h>

#include <libavcodec/avcodec.h>
#include <libswscale/swscale.h>

enum { MAX_MARKED = 40 };

// marked is a buffer that was given to libavcodec and not looked at since.
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
	AVCodecParameters *parameters;
	AVPacket *packet;
	AVFrame *frame;
	atomic_int complained; // libavcodec has logged an error
	int64_t max_bytes;
	int threads, frame_threads;

	struct SwsContext *scaler;
	int scales[5]; // what it is set to: width, height, format, matrix, range
	uint8_t *rows; // a picture with padded rows
	unsigned rows_size;

	pthread_mutex_t lock; // of what follows: libavcodec's threads ask for buffers
	int is_marking;
	marked pending[MAX_MARKED];
	int pendings;
	int refused, refused_width, refused_height;
};

// lav_buffer is the decoder's get_buffer2.
int lav_buffer(AVCodecContext *codec, AVFrame *frame, int flags);
int lav_marks(enum AVCodecID codec);
void lav_forget(lav_decoder *d);

// lav_plain returns a pixel format without the range in its name, which it adds to full.
enum AVPixelFormat lav_plain(enum AVPixelFormat format, int *full);

#endif
