// What faird uses of GStreamer 1.x, declared here so that its headers are not
// needed to build, and looked up at run time. The binary interface of
// libgstreamer-1.0.so.0 and libgstapp-1.0.so.0 is fixed.
#ifndef FAIRD_GST_API_H
#define FAIRD_GST_API_H

#include <stddef.h>
#include <stdint.h>

// pipeline is one that plays, and the appsink at its end.
typedef struct pipeline pipeline;

// frame is one mapped sample; it belongs to the caller until gst_drop.
typedef struct {
	void *sample;
	const uint8_t *data;
	size_t size;
	int width, height;
	const char *format; // of the sample's caps: as long as the sample
	uint64_t pts;       // nanoseconds; UINT64_MAX where there is none
	int corrupted, gap; // what an element has marked the buffer with
} frame;

enum { GST_NOTHING, GST_FRAME, GST_ENDED, GST_BROKEN }; // gst_pull, gst_await

// Strings returned are to be freed; NULL is success.
char *gst_load(const char *core, const char *app);
int gst_has(const char *element);

char *gst_open(const char *text, const char *sink, pipeline **out);
int gst_await(pipeline *p, uint64_t timeout_ns, char **why);
int gst_pull(pipeline *p, uint64_t timeout_ns, frame *out, char **why);
void gst_drop(frame *f);
void gst_close(pipeline *p);

#endif
