// One video decoder of libavcodec and the conversion of its pictures to 8-bit BGR.
#ifndef FAIRD_LIBAV_DECODER_H
#define FAIRD_LIBAV_DECODER_H

#include <stddef.h>
#include <stdint.h>

typedef struct lav_decoder lav_decoder;

// Results beside the negative AVERROR codes.
enum {
	LAV_OK = 0,
	LAV_AGAIN = 1,     // send more before a picture comes
	LAV_END = 2,       // drained
	LAV_TOO_LARGE = 3, // a picture beyond the limit was refused before it was allocated
	LAV_LIST = 4,      // a list of other files
};

typedef struct {
	const char *codec; // libavcodec's name of the codec
	const uint8_t *extradata;
	int extradata_size;
	int threads;       // of the decoder; 1: none besides the caller's
	int frame_threads; // decode several pictures at once, which delays them
	int64_t max_bytes; // decoded size of a picture, at least three bytes a pixel
	const void *parameters; // AVCodecParameters of a container instead of codec and extradata, or NULL
} lav_options;

// lav_picture describes the picture that lav_receive took from the decoder.
typedef struct {
	int64_t tag; // of the access unit it came in
	int width, height;
	int key;
	int full_range;
	const char *format; // of its pixels
	const char *matrix; // its colour matrix; "unknown" where the stream does not say
	int flagged;        // libavcodec says that it is corrupt
} lav_picture;

int lav_open(const lav_options *o, lav_decoder **out);
void lav_close(lav_decoder *d);

// lav_send gives the decoder one access unit, which it copies; size 0 drains it.
int lav_send(lav_decoder *d, const uint8_t *data, int size, int64_t tag);

// lav_forward gives it an AVPacket as the container has it, with side data such as
// a palette.
int lav_forward(lav_decoder *d, const void *packet, int64_t tag);

// lav_receive takes the next picture out of the decoder and holds it until the next call.
int lav_receive(lav_decoder *d, lav_picture *out);

// lav_incomplete looks at pictures with tags up to last, forgetting each, until it
// finds one with blocks that were never decoded and returns its tag; -1: no more.
int64_t lav_incomplete(lav_decoder *d, int64_t last);

// lav_convert writes the held picture as 8-bit BGR.
int lav_convert(lav_decoder *d, uint8_t *bgr, int stride);

// lav_refused returns the size of the picture that was too large.
void lav_refused(const lav_decoder *d, int *width, int *height);

// lav_complained says whether libavcodec has logged an error since the last call.
int lav_complained(lav_decoder *d);

// lav_is_key says whether an access unit can be decoded by itself, -1 where that is not known.
int lav_is_key(lav_decoder *d, const uint8_t *data, int size);

// lav_reset opens the decoder afresh. Flushing is not enough after an error: H.264
// coefficients of the macroblock that failed stay behind and are added to the next.
int lav_reset(lav_decoder *d);
void lav_error(int code, char *text, size_t size);
void lav_quiet(void);

#endif
