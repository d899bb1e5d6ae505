package infer

/*
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// As in capi.go: offsetof(OrtApi, entry) / sizeof(void *).
enum {
	API_CREATE_MEMORY_INFO = 68,
	API_ALLOCATOR_ALLOC = 75,
	API_ALLOCATOR_FREE_PINNED = 76,
	API_RELEASE_STATUS_PINNED = 93,
	API_RELEASE_MEMORY_INFO = 94,
	API_CREATE_ALLOCATOR = 131,
	API_RELEASE_ALLOCATOR = 132,
	MESSAGE = 2,
	DEVICE_ALLOCATOR = 0,
	CPU_OUTPUT = -1, // OrtMemTypeCPUOutput: what the CPU reads of a device's results
};

typedef void *const *pinned_api;

static char *pinned_message(pinned_api api, void *status) {
	if (!status) return NULL;
	char *m = strdup(((const char *(*)(const void *))api[MESSAGE])(status));
	((void (*)(void *))api[API_RELEASE_STATUS_PINNED])(status);
	return m;
}

// pinned_allocator is a session's allocator of the named kind of memory.
static char *pinned_allocator(pinned_api api, void *session, const char *name, int device, void **allocator) {
	void *info = NULL;
	char *m = pinned_message(api, ((void *(*)(const char *, int, int, int, void **))api[API_CREATE_MEMORY_INFO])(name, DEVICE_ALLOCATOR, device, CPU_OUTPUT, &info));
	if (m) return m;
	m = pinned_message(api, ((void *(*)(const void *, const void *, void **))api[API_CREATE_ALLOCATOR])(session, info, allocator));
	((void (*)(void *))api[API_RELEASE_MEMORY_INFO])(info);
	return m;
}

static char *pinned_alloc(pinned_api api, void *allocator, size_t size, void **data) {
	char *m = pinned_message(api, ((void *(*)(void *, size_t, void **))api[API_ALLOCATOR_ALLOC])(allocator, size, data));
	if (!m) memset(*data, 0, size);
	return m;
}

static char *pinned_free(pinned_api api, void *allocator, void *data) {
	char *m = pinned_message(api, ((void *(*)(void *, void *))api[API_ALLOCATOR_FREE_PINNED])(allocator, data));
	((void (*)(void *))api[API_RELEASE_ALLOCATOR])(allocator);
	return m;
}
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"
)

// cudaPinned is ONNX Runtime's name of memory that a GPU copies from and to
// itself, without a detour through a buffer of the driver's.
const cudaPinned = "CudaPinned"

// NewTensor makes a zeroed tensor for the graph's inputs and outputs: with a GPU
// in pinned memory, else as the function of that name does. It keeps the graph's
// session until it is closed.
func (g *Graph) NewTensor(shape ...int64) (*Tensor, error) {
	if g.pinned == "" {
		return NewTensor(shape...)
	}
	n, err := elements(shape)
	if err != nil {
		return nil, err
	}
	data, free, err := g.allocate(g.pinned, n)
	if err != nil {
		return nil, fmt.Errorf("tensor %v in pinned memory: %w", shape, err)
	}
	return newTensor(shape, data, free)
}

// allocate takes memory for n zeroed float32 from the session's allocator of the
// named kind. free gives it and the session back.
func (g *Graph) allocate(kind string, n int) (_ []float32, free func() error, err error) {
	if err := g.hold(); err != nil {
		return nil, nil, err
	}
	name := C.CString(kind)
	defer C.free(unsafe.Pointer(name))
	functions := C.pinned_api(functions())
	var allocator, data unsafe.Pointer
	if m := C.pinned_allocator(functions, g.raw, name, C.int(g.device), &allocator); m != nil {
		return nil, nil, errors.Join(errors.New(takeString(m)), g.drop())
	}
	free = func() error {
		var err error
		if m := C.pinned_free(functions, allocator, data); m != nil {
			err = errors.New(takeString(m))
		}
		return errors.Join(err, g.drop())
	}
	if m := C.pinned_alloc(functions, allocator, C.size_t(4*n), &data); m != nil {
		return nil, nil, errors.Join(errors.New(takeString(m)), free())
	}
	return unsafe.Slice((*float32)(data), n), free, nil
}
