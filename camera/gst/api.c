#include "api.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
	uint32_t domain;
	int code;
	char *message;
} GError;

// Opaque: only pointers to them are passed on.
typedef void GstElement, GstBus, GstMessage, GstSample, GstBuffer, GstCaps, GstStructure, GstFactory;

// GstMapInfo of gst/gstmemory.h.
typedef struct {
	void *memory;
	int flags;
	uint8_t *data;
	size_t size, maxsize;
	void *user_data[4], *reserved[4];
} GstMapInfo;

// The public beginning of GstBuffer (gst/gstbuffer.h): GstMiniObject, pool, pts.
typedef struct {
	union {
		char size[64];
		void *align;
	} mini_object;
	void *pool;
	uint64_t pts;
} GstBufferHead;

// Of GstBufferFlags (gst/gstbuffer.h).
enum {
	BUFFER_CORRUPTED = 1 << 8,
	BUFFER_GAP = 1 << 11,
};

#define API(X) \
	X(int, gst_init_check, (int *, char ***, GError **)) \
	X(GstFactory *, gst_element_factory_find, (const char *)) \
	X(GstElement *, gst_parse_launch_full, (const char *, void *, int, GError **)) \
	X(GstElement *, gst_bin_get_by_name, (GstElement *, const char *)) \
	X(int, gst_element_set_state, (GstElement *, int)) \
	X(int, gst_element_get_state, (GstElement *, int *, int *, uint64_t)) \
	X(GstBus *, gst_element_get_bus, (GstElement *)) \
	X(GstMessage *, gst_bus_timed_pop_filtered, (GstBus *, uint64_t, int)) \
	X(void, gst_message_parse_error, (GstMessage *, GError **, char **)) \
	X(void, gst_mini_object_unref, (void *)) \
	X(void, gst_object_unref, (void *)) \
	X(GstBuffer *, gst_sample_get_buffer, (GstSample *)) \
	X(int, gst_buffer_get_flags, (GstBuffer *)) \
	X(GstCaps *, gst_sample_get_caps, (GstSample *)) \
	X(GstStructure *, gst_caps_get_structure, (GstCaps *, unsigned)) \
	X(int, gst_structure_get_int, (GstStructure *, const char *, int *)) \
	X(const char *, gst_structure_get_string, (GstStructure *, const char *)) \
	X(int, gst_buffer_map, (GstBuffer *, GstMapInfo *, int)) \
	X(void, gst_buffer_unmap, (GstBuffer *, GstMapInfo *)) \
	X(void, g_error_free, (GError *)) \
	X(void, g_free, (void *))
#define APP(X) X(GstSample *, gst_app_sink_try_pull_sample, (GstElement *, uint64_t)) X(int, gst_app_sink_is_eos, (GstElement *))

#define DECLARE(result, name, arguments) static result(*name) arguments;
API(DECLARE)
APP(DECLARE)

// Of gst/gstelement.h, gstmessage.h, gstparse.h and gstmemory.h.
enum {
	STATE_NULL = 1,
	STATE_PLAYING = 4,
	CHANGE_FAILURE = 0,
	CHANGE_ASYNC = 2,
	MESSAGE_ERROR = 1 << 1,
	PARSE_FATAL_ERRORS = 1,
	MAP_READ = 1,
};

struct pipeline {
	GstElement *element, *sink;
	GstBus *bus;
};

// mapped is a sample while its bytes are read.
typedef struct {
	GstSample *sample;
	GstBuffer *buffer;
	GstMapInfo map;
} mapped;

static char *take(GError *e, const char *otherwise)
{
	char *message = strdup(e ? e->message : otherwise);
	if (e)
		g_error_free(e);
	return message;
}

char *gst_load(const char *core, const char *app)
{
	void *handle = dlopen(core, RTLD_NOW | RTLD_GLOBAL);
	void *more = handle ? dlopen(app, RTLD_NOW | RTLD_GLOBAL) : NULL;
	if (!handle || !more)
		return strdup(dlerror());
#define LOOKUP_IN(from, result, name, arguments) \
	if (!(name = (result(*) arguments)dlsym(from, #name))) \
		return strdup(dlerror());
#define LOOKUP(result, name, arguments) LOOKUP_IN(handle, result, name, arguments)
#define LOOKUP_APP(result, name, arguments) LOOKUP_IN(more, result, name, arguments)
	API(LOOKUP)
	APP(LOOKUP_APP)
	GError *e = NULL;
	if (!gst_init_check(NULL, NULL, &e))
		return take(e, "GStreamer could not be initialised");
	return NULL;
}

int gst_has(const char *element)
{
	GstFactory *f = gst_element_factory_find(element);
	if (f)
		gst_object_unref(f);
	return f != NULL;
}

// problem returns what went wrong in a pipeline since it was last asked, or NULL.
// The last line of the note for developers names files and addresses.
static char *problem(pipeline *p, uint64_t timeout_ns)
{
	GstMessage *m = gst_bus_timed_pop_filtered(p->bus, timeout_ns, MESSAGE_ERROR);
	if (!m)
		return NULL;
	GError *e = NULL;
	char *debug = NULL;
	gst_message_parse_error(m, &e, &debug);
	gst_mini_object_unref(m);
	char *message = take(e, "the pipeline broke");
	const char *last = debug ? strrchr(debug, '\n') : NULL;
	if (last && last[1]) {
		char *both = malloc(strlen(message) + strlen(last) + 2);
		strcpy(both, message);
		strcat(both, " ");
		strcat(both, last + 1);
		free(message);
		message = both;
	}
	g_free(debug);
	return message;
}

// PROBLEM_COMES is how long the cause of a failure may take to be told.
#define PROBLEM_COMES 500000000u

char *gst_open(const char *text, const char *sink, pipeline **out)
{
	GError *e = NULL;
	GstElement *element = gst_parse_launch_full(text, NULL, PARSE_FATAL_ERRORS, &e);
	if (!element || e) {
		if (element)
			gst_object_unref(element);
		return take(e, "the pipeline is not one");
	}
	GstElement *last = gst_bin_get_by_name(element, sink);
	if (!last) {
		gst_object_unref(element);
		return strdup("the pipeline has no appsink");
	}
	pipeline *p = calloc(1, sizeof *p);
	*p = (pipeline){element, last, gst_element_get_bus(element)};
	if (gst_element_set_state(element, STATE_PLAYING) == CHANGE_FAILURE) {
		char *why = problem(p, PROBLEM_COMES);
		gst_close(p);
		return why ? why : strdup("the pipeline does not start");
	}
	*out = p;
	return NULL;
}

// gst_await waits until the pipeline plays: GST_FRAME, or GST_NOTHING for not yet.
int gst_await(pipeline *p, uint64_t timeout_ns, char **why)
{
	int change = gst_element_get_state(p->element, NULL, NULL, timeout_ns);
	if ((*why = problem(p, change == CHANGE_FAILURE ? PROBLEM_COMES : 0)))
		return GST_BROKEN;
	if (change == CHANGE_FAILURE) {
		*why = strdup("the pipeline does not start");
		return GST_BROKEN;
	}
	return change == CHANGE_ASYNC ? GST_NOTHING : GST_FRAME;
}

static int map(GstSample *sample, frame *out)
{
	mapped *m = calloc(1, sizeof *m);
	m->sample = sample;
	m->buffer = gst_sample_get_buffer(sample);
	GstCaps *caps = gst_sample_get_caps(sample);
	GstStructure *s = caps ? gst_caps_get_structure(caps, 0) : NULL;
	if (!m->buffer || !s || !gst_buffer_map(m->buffer, &m->map, MAP_READ)) {
		gst_mini_object_unref(sample);
		free(m);
		return 0;
	}
	int flags = gst_buffer_get_flags(m->buffer);
	*out = (frame){
		.sample = m,
		.data = m->map.data,
		.size = m->map.size,
		.pts = ((GstBufferHead *)m->buffer)->pts,
		.corrupted = (flags & BUFFER_CORRUPTED) != 0,
		.gap = (flags & BUFFER_GAP) != 0,
	};
	gst_structure_get_int(s, "width", &out->width);
	gst_structure_get_int(s, "height", &out->height);
	out->format = gst_structure_get_string(s, "format");
	return 1;
}

int gst_pull(pipeline *p, uint64_t timeout_ns, frame *out, char **why)
{
	GstSample *sample = gst_app_sink_try_pull_sample(p->sink, timeout_ns);
	if (sample) {
		if (map(sample, out))
			return GST_FRAME;
		*why = strdup("a picture could not be read");
		return GST_BROKEN;
	}
	if ((*why = problem(p, 0)))
		return GST_BROKEN;
	return gst_app_sink_is_eos(p->sink) ? GST_ENDED : GST_NOTHING;
}

void gst_drop(frame *f)
{
	mapped *m = f->sample;
	gst_buffer_unmap(m->buffer, &m->map);
	gst_mini_object_unref(m->sample);
	free(m);
}

// gst_close stops the pipeline before it is given up: elements that still play
// when they go bring the process down.
void gst_close(pipeline *p)
{
	gst_element_set_state(p->element, STATE_NULL);
	gst_element_get_state(p->element, NULL, NULL, 5000000000u);
	gst_object_unref(p->bus);
	gst_object_unref(p->sink);
	gst_object_unref(p->element);
	free(p);
}
