package infer

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// The few entries of ONNX Runtime's C API that onnxruntime_go lacks or wraps
// with allocations. OrtApi is a table of function pointers to which entries
// are only ever appended, so an index is as stable as the ABI itself; these
// are offsetof(OrtApi, entry) / sizeof(void *) in onnxruntime_c_api.h.
enum {
	API_GET_ERROR_MESSAGE = 2,
	API_RUN = 9,
	API_CREATE_MEMORY_INFO = 68,
	API_ALLOCATOR_ALLOC = 75,
	API_ALLOCATOR_FREE = 76,
	API_DEFAULT_ALLOCATOR = 78,
	API_RELEASE_STATUS = 93,
	API_RELEASE_MEMORY_INFO = 94,
	API_END_PROFILING = 110,
	API_CREATE_ALLOCATOR = 131,
	API_RELEASE_ALLOCATOR = 132,
};

enum { DEVICE_ALLOCATOR = 0, CPU_OUTPUT = -1 }; // OrtDeviceAllocator; OrtMemTypeCPUOutput, which the CPU reads too

typedef void *const *faird_api;

typedef struct {
	faird_api (*GetApi)(uint32_t version);
	const char *(*GetVersionString)(void);
} faird_api_base;

// faird_open returns the library's base, or NULL with the loader's words in *why.
static const faird_api_base *faird_open(const char *path, void **handle, char **why) {
	*handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
	if (!*handle) {
		*why = strdup(dlerror());
		return NULL;
	}
	const faird_api_base *(*get)(void) = (const faird_api_base *(*)(void))dlsym(*handle, "OrtGetApiBase");
	if (!get) {
		*why = strdup("it has no OrtGetApiBase");
		dlclose(*handle);
		*handle = NULL;
		return NULL;
	}
	return get();
}

static const char *faird_version(const faird_api_base *b) { return b->GetVersionString(); }
static faird_api faird_get_api(const faird_api_base *b, uint32_t v) { return b->GetApi(v); }

// faird_message turns a status into a malloc'd message; NULL is success.
static char *faird_message(faird_api api, void *status) {
	if (!status) return NULL;
	char *m = strdup(((const char *(*)(const void *))api[API_GET_ERROR_MESSAGE])(status));
	((void (*)(void *))api[API_RELEASE_STATUS])(status);
	return m;
}

static char *faird_run(faird_api api, void *session, void *options,
	char **in_names, void **in, size_t n_in, char **out_names, size_t n_out, void **out) {
	typedef void *(*run)(void *, const void *, const char *const *, const void *const *, size_t,
		const char *const *, size_t, void **);
	return faird_message(api, ((run)api[API_RUN])(session, options, (const char *const *)in_names,
		(const void *const *)in, n_in, (const char *const *)out_names, n_out, out));
}

// faird_end_profiling flushes the profile; *name is malloc'd.
static char *faird_end_profiling(faird_api api, void *session, char **name) {
	void *allocator = NULL;
	char *out = NULL, *m;
	m = faird_message(api, ((void *(*)(void **))api[API_DEFAULT_ALLOCATOR])(&allocator));
	if (m) return m;
	m = faird_message(api, ((void *(*)(void *, void *, char **))api[API_END_PROFILING])(session, allocator, &out));
	if (m) return m;
	*name = strdup(out);
	return faird_message(api, ((void *(*)(void *, void *))api[API_ALLOCATOR_FREE])(allocator, out));
}

// faird_allocator is a session's allocator of the named kind of memory.
static char *faird_allocator(faird_api api, void *session, const char *kind, int device, void **allocator) {
	void *info = NULL;
	char *m = faird_message(api, ((void *(*)(const char *, int, int, int, void **))api[API_CREATE_MEMORY_INFO])(kind, DEVICE_ALLOCATOR, device, CPU_OUTPUT, &info));
	if (m) return m;
	m = faird_message(api, ((void *(*)(const void *, const void *, void **))api[API_CREATE_ALLOCATOR])(session, info, allocator));
	((void (*)(void *))api[API_RELEASE_MEMORY_INFO])(info);
	return m;
}

static char *faird_alloc(faird_api api, void *allocator, size_t size, void **data) {
	char *m = faird_message(api, ((void *(*)(void *, size_t, void **))api[API_ALLOCATOR_ALLOC])(allocator, size, data));
	if (!m) memset(*data, 0, size);
	return m;
}

// faird_free frees data, if any, and lets the allocator go.
static char *faird_free(faird_api api, void *allocator, void *data) {
	char *m = data ? faird_message(api, ((void *(*)(void *, void *))api[API_ALLOCATOR_FREE])(allocator, data)) : NULL;
	((void (*)(void *))api[API_RELEASE_ALLOCATOR])(allocator);
	return m;
}
*/
import "C"

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unsafe"
)

// apiVersion is the newest C API that onnxruntime_go 1.27 asks for; it equals
// the minor version of the oldest library that serves it.
const apiVersion = 24

// api is the function table of the loaded library.
var api C.faird_api

// functions is api, for operators' C.
func functions() unsafe.Pointer { return unsafe.Pointer(api) }

// library is an opened shared library whose version is known.
type library struct {
	base    *C.faird_api_base
	handle  unsafe.Pointer
	version string
}

func openLibrary(path string) (*library, error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	var why *C.char
	l := &library{}
	l.base = C.faird_open(name, &l.handle, &why)
	if l.base == nil {
		return nil, errors.New(takeString(why))
	}
	l.version = C.GoString(C.faird_version(l.base))
	return l, nil
}

// bind makes l the library that runs are made with.
func (l *library) bind() error {
	api = C.faird_get_api(l.base, apiVersion)
	if api == nil {
		return fmt.Errorf("it does not serve version %d of the C API", apiVersion)
	}
	return nil
}

func (l *library) close() { C.dlclose(l.handle) }

// takeString copies and frees a malloc'd string.
func takeString(s *C.char) string {
	if s == nil {
		return ""
	}
	defer C.free(unsafe.Pointer(s))
	return strings.TrimSpace(C.GoString(s))
}

func endProfiling(session unsafe.Pointer) (string, error) {
	var name *C.char
	if m := C.faird_end_profiling(api, session, &name); m != nil {
		return "", errors.New(takeString(m))
	}
	return takeString(name), nil
}

// handle digs the C pointer out of one of onnxruntime_go's structs, by the
// path of its unexported fields. It is read once, when the owner is made; a
// version of the package that is laid out differently gives an error there.
func handle(owner any, fields ...string) (unsafe.Pointer, error) {
	v := reflect.ValueOf(owner)
	for _, f := range fields {
		for v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct || !v.FieldByName(f).IsValid() {
			return nil, fmt.Errorf("onnxruntime_go's %T has no field %s: this faird was built with an unknown version of it",
				owner, strings.Join(fields, "."))
		}
		v = v.FieldByName(f)
	}
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return nil, fmt.Errorf("onnxruntime_go's %T.%s is no pointer", owner, strings.Join(fields, "."))
	}
	return v.UnsafePointer(), nil
}

// pointers is a C array of n pointers.
type pointers struct {
	p **C.char
	n int
}

func newPointers(n int) pointers {
	return pointers{(**C.char)(C.calloc(C.size_t(max(n, 1)), C.size_t(unsafe.Sizeof(uintptr(0))))), n}
}

func (a pointers) slice() []*C.char { return unsafe.Slice(a.p, a.n) }

func (a pointers) set(i int, p unsafe.Pointer) { a.slice()[i] = (*C.char)(p) }

func (a pointers) free() { C.free(unsafe.Pointer(a.p)) }

// names is a C array of strings.
func newNames(names []string) pointers {
	a := newPointers(len(names))
	for i, n := range names {
		a.slice()[i] = C.CString(n)
	}
	return a
}

func (a pointers) freeNames() {
	for _, s := range a.slice() {
		C.free(unsafe.Pointer(s))
	}
	a.free()
}

// run calls OrtApi::Run on values that exist already; it allocates nothing.
func run(session, options unsafe.Pointer, inNames, in, outNames, out pointers) error {
	m := C.faird_run(api, session, options,
		inNames.p, (*unsafe.Pointer)(unsafe.Pointer(in.p)), C.size_t(in.n),
		outNames.p, C.size_t(out.n), (*unsafe.Pointer)(unsafe.Pointer(out.p)))
	if m != nil {
		return errors.New(takeString(m))
	}
	return nil
}

// floats is zeroed C memory for n float32, aligned for the widest vectors.
func floats(n int) ([]float32, error) {
	size := (uintptr(n)*4 + 63) &^ 63
	p := C.aligned_alloc(64, C.size_t(size))
	if p == nil {
		return nil, fmt.Errorf("no memory for %d bytes", size)
	}
	C.memset(p, 0, C.size_t(size))
	return unsafe.Slice((*float32)(p), n), nil
}

func freeFloats(f []float32) { C.free(unsafe.Pointer(unsafe.SliceData(f))) }

// sessionFloats takes n zeroed float32 from a session's allocator of the named
// kind of memory; free gives them back.
func sessionFloats(session unsafe.Pointer, kind string, device, n int) (_ []float32, free func() error, err error) {
	name := C.CString(kind)
	defer C.free(unsafe.Pointer(name))
	var allocator, data unsafe.Pointer
	if m := C.faird_allocator(api, session, name, C.int(device), &allocator); m != nil {
		return nil, nil, errors.New(takeString(m))
	}
	free = func() error {
		if m := C.faird_free(api, allocator, data); m != nil {
			return errors.New(takeString(m))
		}
		return nil
	}
	if m := C.faird_alloc(api, allocator, C.size_t(4*n), &data); m != nil {
		return nil, nil, errors.Join(errors.New(takeString(m)), free())
	}
	return unsafe.Slice((*float32)(data), n), free, nil
}
