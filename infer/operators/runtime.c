#include "runtime.h"

#include <unistd.h>

status ort_failure(table api, int code, const char *why) {
	return CALL(api, API_CREATE_STATUS, status, (int, const char *), code, why);
}

status ort_look(table api, const void *value, tensor *t) {
	int64_t dims[4] = {1, 1, 1, 1};
	void *shape = NULL;
	TRY(CALL(api, API_GET_TENSOR_TYPE_AND_SHAPE, status, (const void *, void **), value, &shape));
	status s = CALL(api, API_GET_DIMENSIONS_COUNT, status, (const void *, size_t *), shape, &t->rank);
	if (!s && t->rank > 4) s = ort_failure(api, INVALID_ARGUMENT, "a tensor has more than four dimensions");
	if (!s) s = CALL(api, API_GET_DIMENSIONS, status, (const void *, int64_t *, size_t), shape, dims, t->rank);
	CALL(api, API_RELEASE_TENSOR_TYPE_AND_SHAPE_INFO, void, (void *), shape);
	for (int i = 0; i < 4; i++) t->dims[i] = (size_t)dims[i];
	if (!s) s = CALL(api, API_GET_TENSOR_MUTABLE_DATA, status, (void *, void **), (void *)value, &t->data);
	return s;
}

status ort_input(table api, const void *context, size_t i, tensor *t) {
	const void *value = NULL;
	TRY(CALL(api, API_KERNEL_CONTEXT_GET_INPUT, status, (const void *, size_t, const void **), context, i, &value));
	t->data = NULL;
	return value ? ort_look(api, value, t) : NULL; // NULL: an optional one that is not there
}

status ort_result(table api, void *context, size_t i, const size_t *dims, size_t rank, tensor *t) {
	int64_t sizes[4];
	void *value = NULL;
	for (size_t k = 0; k < rank; k++) sizes[k] = (int64_t)dims[k];
	TRY(CALL(api, API_KERNEL_CONTEXT_GET_OUTPUT, status, (void *, size_t, const int64_t *, size_t, void **), context, i, sizes, rank, &value));
	return ort_look(api, value, t);
}

status ort_output(table api, void *context, const size_t dims[4], tensor *t) { return ort_result(api, context, 0, dims, 4, t); }

static void *memory_info; // of the arena; made once, never freed

status ort_memory(table api) {
	return CALL(api, API_CREATE_CPU_MEMORY_INFO, status, (int, int, void **), ARENA, DEFAULT_MEMORY, &memory_info);
}

status ort_take(table api, const void *context, size_t floats, memory *m) {
	m->allocator = m->data = NULL;
	if (!floats) return NULL;
	TRY(CALL(api, API_KERNEL_CONTEXT_GET_ALLOCATOR, status, (const void *, const void *, void **), context, memory_info, &m->allocator));
	status s = CALL(api, API_ALLOCATOR_ALLOC, status, (void *, size_t, void **), m->allocator, floats * sizeof(float), (void **)&m->data);
	return s ? ort_give(api, m, s) : NULL;
}

status ort_give(table api, memory *m, status s) {
	if (m->data) {
		status freed = CALL(api, API_ALLOCATOR_FREE, status, (void *, void *), m->allocator, m->data);
		if (freed && !s) s = freed;
	}
	if (m->allocator) CALL(api, API_RELEASE_ALLOCATOR, void, (void *), m->allocator);
	return s;
}

static void session_run(void *context, void (*task)(void *, size_t), size_t n, void *data) {
	session *s = context;
	if (s->failed) return;
	s->failed = CALL(s->api, API_KERNEL_CONTEXT_PARALLEL_FOR, status, (const void *, void (*)(void *, size_t), size_t, size_t, void *),
		s->context, task, n, 0, data);
}

faird_pool ort_pool(session *s) {
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	return (faird_pool){session_run, s, cores < 1 ? 1 : cores > 64 ? 64 : (size_t)cores};
}

int ort_integer(table api, const void *info, const char *name) {
	int64_t v = 0;
	status absent = CALL(api, API_KERNEL_INFO_GET_ATTRIBUTE_INT64, status, (const void *, const char *, int64_t *), info, name, &v);
	if (!absent) return (int)v;
	CALL(api, API_RELEASE_STATUS, void, (void *), absent);
	return 0;
}

float ort_number(table api, const void *info, const char *name) {
	float v = 0;
	status absent = CALL(api, API_KERNEL_INFO_GET_ATTRIBUTE_FLOAT, status, (const void *, const char *, float *), info, name, &v);
	if (!absent) return v;
	CALL(api, API_RELEASE_STATUS, void, (void *), absent);
	return 0;
}
