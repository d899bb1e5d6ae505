// What faird uses of libaravis 0.8 and of GLib under it, declared here so that
// neither is needed to build, and looked up at run time so that neither is
// needed to start. Prototypes and constants are those of the 0.8 headers, whose
// binary interface (libaravis-0.8.so.0) is fixed.
#ifndef FAIRD_ARAVIS_API_H
#define FAIRD_ARAVIS_API_H

#include <stddef.h>
#include <stdint.h>

// session is one opened camera, and its stream while it runs.
typedef struct session session;

// picture is one buffer as the stream gave it; it belongs to the caller until
// aravis_return.
typedef struct {
	void *buffer;
	const void *data;
	size_t size; // bytes
	int status;  // ArvBufferStatus
	int width, height;
	uint32_t format;   // PFNC pixel format
	uint64_t id;       // block id of the transport layer
	uint64_t stamp;    // camera's clock, ns
	uint64_t arrival;  // host's clock at the first packet, ns since 1970
} picture;

enum { ARAVIS_EXPOSURE, ARAVIS_GAIN, ARAVIS_RATE };                                                    // aravis_get, aravis_set
enum { ARAVIS_ID, ARAVIS_VENDOR, ARAVIS_MODEL, ARAVIS_SERIAL, ARAVIS_ADDRESS, ARAVIS_PHYSICAL, ARAVIS_PROTOCOL }; // aravis_device

// Functions that can fail return what is wrong, to be freed, or NULL.
char *aravis_load(const char *library);

unsigned aravis_list(void);
const char *aravis_device(unsigned index, int what);

char *aravis_open(const char *id, session **out);
void aravis_close(session *s);
int aravis_lost(session *s);
int aravis_is_gige(session *s);

char *aravis_set_feature(session *s, const char *name, const char *value);
char *aravis_get_feature(session *s, const char *name, char **value);
char *aravis_set(session *s, int what, double value);
char *aravis_get(session *s, int what, double *value);
char *aravis_set_region(session *s, int x, int y, int width, int height);
char *aravis_get_region(session *s, int *x, int *y, int *width, int *height);
char *aravis_set_format(session *s, const char *format);
char *aravis_get_format(session *s, char **format);
char *aravis_set_packet(session *s, int bytes, int *got);
char *aravis_set_trigger(session *s, const char *source);
char *aravis_fire(session *s);

char *aravis_start(session *s, int buffers);
int aravis_grab(session *s, uint64_t timeout_us, picture *out);
void aravis_return(session *s, void *buffer);
void aravis_statistics(session *s, uint64_t *completed, uint64_t *failures, uint64_t *underruns);

#endif
