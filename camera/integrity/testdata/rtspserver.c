// rtspserver PIPELINE serves a pipeline at rtsp://127.0.0.1:PORT/line with
// GStreamer's RTSP server, from the start for each client, prints PORT, and ends
// when its input does. The few functions it needs are declared here, so that
// Debian's libgstrtspserver-1.0-0 is enough.
#include <pthread.h>
#include <stdio.h>

void gst_init(int *, char ***);
void *gst_rtsp_server_new(void);
void gst_rtsp_server_set_address(void *, const char *);
void gst_rtsp_server_set_service(void *, const char *);
int gst_rtsp_server_get_bound_port(void *);
void *gst_rtsp_server_get_mount_points(void *);
unsigned gst_rtsp_server_attach(void *, void *);
void *gst_rtsp_media_factory_new(void);
void gst_rtsp_media_factory_set_launch(void *, const char *);
void gst_rtsp_mount_points_add_factory(void *, const char *, void *);
void *g_main_loop_new(void *, int);
void g_main_loop_run(void *);

static void *run(void *loop) {
	g_main_loop_run(loop);
	return NULL;
}

int main(int argc, char **argv) {
	gst_init(&argc, &argv);
	void *server = gst_rtsp_server_new(), *factory = gst_rtsp_media_factory_new();
	gst_rtsp_server_set_address(server, "127.0.0.1");
	gst_rtsp_server_set_service(server, "0");
	gst_rtsp_media_factory_set_launch(factory, argv[1]);
	gst_rtsp_mount_points_add_factory(gst_rtsp_server_get_mount_points(server), "/line", factory);
	if (!gst_rtsp_server_attach(server, NULL))
		return 1;
	printf("%d\n", gst_rtsp_server_get_bound_port(server));
	fflush(stdout);
	pthread_t thread;
	if (pthread_create(&thread, NULL, run, g_main_loop_new(NULL, 0)))
		return 1;
	while (getchar() != EOF)
		;
	return 0;
}
