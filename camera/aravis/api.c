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
typedef void ArvCamera, ArvDevice, ArvStream, ArvBuffer, ArvGcNode;

#define API(X) \
	X(void, g_object_unref, (void *)) \
	X(void, g_object_set, (void *, const char *, ...)) \
	X(void, g_error_free, (GError *)) \
	X(unsigned long, g_signal_connect_data, (void *, const char *, void (*)(void), void *, void *, int)) \
	X(void, arv_update_device_list, (void)) \
	X(unsigned, arv_get_n_devices, (void)) \
	X(const char *, arv_get_device_id, (unsigned)) \
	X(const char *, arv_get_device_vendor, (unsigned)) \
	X(const char *, arv_get_device_model, (unsigned)) \
	X(const char *, arv_get_device_serial_nbr, (unsigned)) \
	X(const char *, arv_get_device_address, (unsigned)) \
	X(const char *, arv_get_device_physical_id, (unsigned)) \
	X(const char *, arv_get_device_protocol, (unsigned)) \
	X(ArvCamera *, arv_camera_new, (const char *, GError **)) \
	X(ArvDevice *, arv_camera_get_device, (ArvCamera *)) \
	X(int, arv_camera_is_gv_device, (ArvCamera *)) \
	X(void, arv_camera_gv_set_stream_options, (ArvCamera *, int)) \
	X(void, arv_camera_gv_set_packet_size, (ArvCamera *, int, GError **)) \
	X(unsigned, arv_camera_gv_get_packet_size, (ArvCamera *, GError **)) \
	X(unsigned, arv_camera_gv_auto_packet_size, (ArvCamera *, GError **)) \
	X(ArvGcNode *, arv_device_get_feature, (ArvDevice *, const char *)) \
	X(void, arv_gc_feature_node_set_value_from_string, (ArvGcNode *, const char *, GError **)) \
	X(const char *, arv_gc_feature_node_get_value_as_string, (ArvGcNode *, GError **)) \
	X(int, arv_camera_is_exposure_auto_available, (ArvCamera *, GError **)) \
	X(void, arv_camera_set_exposure_time_auto, (ArvCamera *, int, GError **)) \
	X(void, arv_camera_set_exposure_time, (ArvCamera *, double, GError **)) \
	X(double, arv_camera_get_exposure_time, (ArvCamera *, GError **)) \
	X(int, arv_camera_is_gain_auto_available, (ArvCamera *, GError **)) \
	X(void, arv_camera_set_gain_auto, (ArvCamera *, int, GError **)) \
	X(void, arv_camera_set_gain, (ArvCamera *, double, GError **)) \
	X(double, arv_camera_get_gain, (ArvCamera *, GError **)) \
	X(void, arv_camera_set_frame_rate, (ArvCamera *, double, GError **)) \
	X(double, arv_camera_get_frame_rate, (ArvCamera *, GError **)) \
	X(void, arv_camera_set_region, (ArvCamera *, int, int, int, int, GError **)) \
	X(void, arv_camera_get_region, (ArvCamera *, int *, int *, int *, int *, GError **)) \
	X(void, arv_camera_set_pixel_format_from_string, (ArvCamera *, const char *, GError **)) \
	X(const char *, arv_camera_get_pixel_format_as_string, (ArvCamera *, GError **)) \
	X(void, arv_camera_set_acquisition_mode, (ArvCamera *, int, GError **)) \
	X(void, arv_camera_set_trigger, (ArvCamera *, const char *, GError **)) \
	X(void, arv_camera_clear_triggers, (ArvCamera *, GError **)) \
	X(void, arv_camera_software_trigger, (ArvCamera *, GError **)) \
	X(unsigned, arv_camera_get_payload, (ArvCamera *, GError **)) \
	X(ArvStream *, arv_camera_create_stream, (ArvCamera *, void *, void *, GError **)) \
	X(void, arv_camera_start_acquisition, (ArvCamera *, GError **)) \
	X(void, arv_camera_stop_acquisition, (ArvCamera *, GError **)) \
	X(void, arv_stream_push_buffer, (ArvStream *, ArvBuffer *)) \
	X(ArvBuffer *, arv_stream_timeout_pop_buffer, (ArvStream *, uint64_t)) \
	X(ArvBuffer *, arv_stream_try_pop_buffer, (ArvStream *)) \
	X(void, arv_stream_get_statistics, (ArvStream *, uint64_t *, uint64_t *, uint64_t *)) \
	X(ArvBuffer *, arv_buffer_new, (size_t, void *)) \
	X(int, arv_buffer_get_status, (ArvBuffer *)) \
	X(const void *, arv_buffer_get_data, (ArvBuffer *, size_t *)) \
	X(int, arv_buffer_get_payload_type, (ArvBuffer *)) \
	X(int, arv_buffer_get_image_width, (ArvBuffer *)) \
	X(int, arv_buffer_get_image_height, (ArvBuffer *)) \
	X(uint32_t, arv_buffer_get_image_pixel_format, (ArvBuffer *)) \
	X(uint64_t, arv_buffer_get_frame_id, (ArvBuffer *)) \
	X(uint64_t, arv_buffer_get_timestamp, (ArvBuffer *)) \
	X(uint64_t, arv_buffer_get_system_timestamp, (ArvBuffer *))

#define DECLARE(result, name, arguments) static result(*name) arguments;
API(DECLARE)

// Of arvenums.h, arvgvstream.h and arvbuffer.h.
enum {
	AUTO_OFF = 0,
	ACQUISITION_CONTINUOUS = 0,
	PACKET_SOCKET_DISABLED = 1,
	SOCKET_BUFFER_AUTO = 1,
	STATUS_SUCCESS = 0,
	PAYLOAD_IMAGE = 1,
	PAYLOAD_CHUNKS = 5, // an image with chunks
	PAYLOAD_MULTIPART = 10,
};

struct session {
	ArvCamera *camera;
	ArvStream *stream;
	int lost; // set by a thread of Aravis
};

char *aravis_load(const char *library)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return strdup(dlerror());
#define LOOKUP(result, name, arguments) \
	if (!(name = (result(*) arguments)dlsym(handle, #name))) \
		return strdup(dlerror());
	API(LOOKUP)
	return NULL;
}

static char *take(GError *e)
{
	if (!e)
		return NULL;
	char *message = strdup(e->message);
	g_error_free(e);
	return message;
}

unsigned aravis_list(void)
{
	arv_update_device_list();
	return arv_get_n_devices();
}

const char *aravis_device(unsigned index, int what)
{
	switch (what) {
	case ARAVIS_ID: return arv_get_device_id(index);
	case ARAVIS_VENDOR: return arv_get_device_vendor(index);
	case ARAVIS_MODEL: return arv_get_device_model(index);
	case ARAVIS_SERIAL: return arv_get_device_serial_nbr(index);
	case ARAVIS_ADDRESS: return arv_get_device_address(index);
	case ARAVIS_PHYSICAL: return arv_get_device_physical_id(index);
	default: return arv_get_device_protocol(index);
	}
}

static void on_lost(ArvDevice *device, void *data)
{
	(void)device;
	__atomic_store_n(&((session *)data)->lost, 1, __ATOMIC_RELEASE);
}

char *aravis_open(const char *id, session **out)
{
	GError *e = NULL;
	ArvCamera *camera = arv_camera_new(id, &e);
	if (!camera || e) {
		if (camera)
			g_object_unref(camera);
		char *why = take(e);
		return why ? why : strdup("no such camera");
	}
	session *s = calloc(1, sizeof *s);
	s->camera = camera;
	// Aravis' GigE heartbeat may emit the signal on a device that is being closed,
	// which brings it to life again; without a listener that does nothing.
	if (arv_camera_is_gv_device(camera))
		arv_camera_gv_set_stream_options(camera, PACKET_SOCKET_DISABLED);
	else
		g_signal_connect_data(arv_camera_get_device(camera), "control-lost", (void (*)(void))on_lost, s, NULL, 0);
	*out = s;
	return NULL;
}

static char *stop(session *s)
{
	GError *e = NULL;
	arv_camera_stop_acquisition(s->camera, &e);
	return take(e);
}

// aravis_close leaves a camera that is lost alone: each call to it would wait for
// an answer.
void aravis_close(session *s)
{
	if (s->stream) {
		if (!aravis_lost(s))
			free(stop(s));
		g_object_unref(s->stream);
	}
	g_object_unref(s->camera);
	free(s);
}

int aravis_lost(session *s) { return __atomic_load_n(&s->lost, __ATOMIC_ACQUIRE); }

int aravis_is_gige(session *s) { return arv_camera_is_gv_device(s->camera); }

static ArvGcNode *feature(session *s, const char *name)
{
	return arv_device_get_feature(arv_camera_get_device(s->camera), name);
}

char *aravis_set_feature(session *s, const char *name, const char *value)
{
	GError *e = NULL;
	ArvGcNode *node = feature(s, name);
	if (!node)
		return strdup("the camera has no such feature");
	arv_gc_feature_node_set_value_from_string(node, value, &e);
	return take(e);
}

char *aravis_get_feature(session *s, const char *name, char **value)
{
	GError *e = NULL;
	ArvGcNode *node = feature(s, name);
	if (!node)
		return strdup("the camera has no such feature");
	const char *text = arv_gc_feature_node_get_value_as_string(node, &e);
	if (!e)
		*value = strdup(text ? text : "");
	return take(e);
}

// aravis_set switches the camera's own control of the value off first.
char *aravis_set(session *s, int what, double value)
{
	GError *e = NULL;
	switch (what) {
	case ARAVIS_EXPOSURE:
		if (arv_camera_is_exposure_auto_available(s->camera, &e) && !e)
			arv_camera_set_exposure_time_auto(s->camera, AUTO_OFF, &e);
		if (!e)
			arv_camera_set_exposure_time(s->camera, value, &e);
		break;
	case ARAVIS_GAIN:
		if (arv_camera_is_gain_auto_available(s->camera, &e) && !e)
			arv_camera_set_gain_auto(s->camera, AUTO_OFF, &e);
		if (!e)
			arv_camera_set_gain(s->camera, value, &e);
		break;
	default:
		arv_camera_set_frame_rate(s->camera, value, &e);
	}
	return take(e);
}

char *aravis_get(session *s, int what, double *value)
{
	GError *e = NULL;
	switch (what) {
	case ARAVIS_EXPOSURE: *value = arv_camera_get_exposure_time(s->camera, &e); break;
	case ARAVIS_GAIN: *value = arv_camera_get_gain(s->camera, &e); break;
	default: *value = arv_camera_get_frame_rate(s->camera, &e);
	}
	return take(e);
}

char *aravis_set_region(session *s, int x, int y, int width, int height)
{
	GError *e = NULL;
	arv_camera_set_region(s->camera, x, y, width, height, &e);
	return take(e);
}

char *aravis_get_region(session *s, int *x, int *y, int *width, int *height)
{
	GError *e = NULL;
	arv_camera_get_region(s->camera, x, y, width, height, &e);
	return take(e);
}

char *aravis_set_format(session *s, const char *format)
{
	GError *e = NULL;
	arv_camera_set_pixel_format_from_string(s->camera, format, &e);
	return take(e);
}

char *aravis_get_format(session *s, char **format)
{
	GError *e = NULL;
	const char *text = arv_camera_get_pixel_format_as_string(s->camera, &e);
	if (!e)
		*format = strdup(text ? text : "");
	return take(e);
}

// aravis_set_packet sets the size of GigE Vision packets; 0 bytes finds the
// largest that comes through.
char *aravis_set_packet(session *s, int bytes, int *got)
{
	GError *e = NULL;
	if (bytes == 0)
		arv_camera_gv_auto_packet_size(s->camera, &e);
	else
		arv_camera_gv_set_packet_size(s->camera, bytes, &e);
	if (!e)
		*got = arv_camera_gv_get_packet_size(s->camera, &e);
	return take(e);
}

// aravis_set_trigger makes each picture wait for source, or for nothing (NULL).
char *aravis_set_trigger(session *s, const char *source)
{
	GError *e = NULL;
	if (source)
		arv_camera_set_trigger(s->camera, source, &e);
	else
		arv_camera_clear_triggers(s->camera, &e);
	return take(e);
}

char *aravis_fire(session *s)
{
	GError *e = NULL;
	arv_camera_software_trigger(s->camera, &e);
	return take(e);
}

char *aravis_start(session *s, int buffers)
{
	GError *e = NULL;
	arv_camera_set_acquisition_mode(s->camera, ACQUISITION_CONTINUOUS, &e);
	unsigned payload = e ? 0 : arv_camera_get_payload(s->camera, &e);
	if (!e)
		s->stream = arv_camera_create_stream(s->camera, NULL, NULL, &e);
	if (!e && !s->stream)
		return strdup("no stream");
	if (e)
		return take(e);
	if (arv_camera_is_gv_device(s->camera)) // a whole picture fits the socket, as far as net.core.rmem_max lets it
		g_object_set(s->stream, "socket-buffer", SOCKET_BUFFER_AUTO, NULL);
	for (int i = 0; i < buffers; i++) // the stream frees them
		arv_stream_push_buffer(s->stream, arv_buffer_new(payload, NULL));
	arv_camera_start_acquisition(s->camera, &e);
	return take(e);
}

int aravis_grab(session *s, uint64_t timeout_us, picture *out)
{
	ArvBuffer *b = timeout_us ? arv_stream_timeout_pop_buffer(s->stream, timeout_us) : arv_stream_try_pop_buffer(s->stream);
	if (!b)
		return 0;
	*out = (picture){.buffer = b, .status = arv_buffer_get_status(b)};
	int payload = arv_buffer_get_payload_type(b);
	if (out->status != STATUS_SUCCESS || (payload != PAYLOAD_IMAGE && payload != PAYLOAD_CHUNKS && payload != PAYLOAD_MULTIPART))
		return 1;
	out->data = arv_buffer_get_data(b, &out->size);
	out->width = arv_buffer_get_image_width(b);
	out->height = arv_buffer_get_image_height(b);
	out->format = arv_buffer_get_image_pixel_format(b);
	out->id = arv_buffer_get_frame_id(b);
	out->stamp = arv_buffer_get_timestamp(b);
	out->arrival = arv_buffer_get_system_timestamp(b);
	return 1;
}

void aravis_return(session *s, void *buffer) { arv_stream_push_buffer(s->stream, buffer); }

void aravis_statistics(session *s, uint64_t *completed, uint64_t *failures, uint64_t *underruns)
{
	arv_stream_get_statistics(s->stream, completed, failures, underruns);
}
