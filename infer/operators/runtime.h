// What the operators use of ONNX Runtime. Its C API is a table of functions to
// which entries are only ever appended; what is used of it is declared here, as of
// version 24 of onnxruntime_c_api.h.
#ifndef FAIRD_RUNTIME_H
#define FAIRD_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#include "convolution.h"

// Entries: offsetof(OrtApi, entry) / sizeof(void *).
enum {
	API_CREATE_STATUS = 0,
	API_GET_ERROR_MESSAGE = 2,
	API_CREATE_CUSTOM_OP_DOMAIN = 26,
	API_CUSTOM_OP_DOMAIN_ADD = 27,
	API_ADD_CUSTOM_OP_DOMAIN = 28,
	API_GET_TENSOR_MUTABLE_DATA = 51,
	API_GET_DIMENSIONS_COUNT = 61,
	API_GET_DIMENSIONS = 62,
	API_GET_TENSOR_TYPE_AND_SHAPE = 65,
	API_CREATE_CPU_MEMORY_INFO = 69,
	API_ALLOCATOR_ALLOC = 75,
	API_ALLOCATOR_FREE = 76,
	API_KERNEL_INFO_GET_ATTRIBUTE_FLOAT = 85,
	API_KERNEL_INFO_GET_ATTRIBUTE_INT64 = 86,
	API_KERNEL_CONTEXT_GET_INPUT_COUNT = 88,
	API_KERNEL_CONTEXT_GET_INPUT = 90,
	API_KERNEL_CONTEXT_GET_OUTPUT = 91,
	API_RELEASE_STATUS = 93,
	API_RELEASE_TENSOR_TYPE_AND_SHAPE_INFO = 99,
	API_RELEASE_ALLOCATOR = 132,
	API_KERNEL_INFO_GET_CONSTANT_INPUT_TENSOR = 249,
	API_KERNEL_CONTEXT_GET_ALLOCATOR = 253,
	API_KERNEL_CONTEXT_PARALLEL_FOR = 274,
};

enum { API_VERSION = 24, FLOAT = 1, UINT8 = 2, ARENA = 1, DEFAULT_MEMORY = 0, FAIL = 1, INVALID_ARGUMENT = 2, REQUIRED = 0, OPTIONAL = 1 };

typedef void *status; // NULL is success
typedef void *const *table;

// CALL calls an entry: CALL(api, ENTRY, result, (types), arguments...).
#define CALL(api, entry, result, types, ...) (((result(*) types)(api)[entry])(__VA_ARGS__))

// custom_op is OrtCustomOp.
typedef struct custom_op {
	uint32_t version;
	void *(*create)(const struct custom_op *, table, const void *);
	const char *(*name)(const struct custom_op *);
	const char *(*provider)(const struct custom_op *);
	int (*input_type)(const struct custom_op *, size_t);
	size_t (*input_count)(const struct custom_op *);
	int (*output_type)(const struct custom_op *, size_t);
	size_t (*output_count)(const struct custom_op *);
	void (*compute)(void *, void *);
	void (*destroy)(void *);
	int (*input_characteristic)(const struct custom_op *, size_t);
	int (*output_characteristic)(const struct custom_op *, size_t);
	int (*input_memory)(const struct custom_op *, size_t);
	int (*variadic_input_least)(const struct custom_op *);
	int (*variadic_input_same)(const struct custom_op *);
	int (*variadic_output_least)(const struct custom_op *);
	int (*variadic_output_same)(const struct custom_op *);
	status (*create_v2)(const struct custom_op *, table, const void *, void **);
	status (*compute_v2)(void *, void *);
	status (*infer_shape)(const struct custom_op *, void *);
	int (*start_version)(const struct custom_op *);
	int (*end_version)(const struct custom_op *);
	size_t (*may_inplace)(int **, int **);
	void (*release_may_inplace)(int *, int *);
	size_t (*alias_map)(int **, int **);
	void (*release_alias_map)(int *, int *);
} custom_op;

#define TRY(expression)              \
	do {                             \
		status failed = (expression); \
		if (failed) return failed;   \
	} while (0)

status ort_failure(table api, int code, const char *why);

// tensor is a value's numbers and its four sizes, one where it has fewer.
typedef struct {
	void *data; // floats or bytes
	size_t dims[4], rank;
} tensor;

status ort_look(table api, const void *value, tensor *t);

// ort_input reads input i of a run; its data are NULL where it is optional and not there.
status ort_input(table api, const void *context, size_t i, tensor *t);

// ort_result makes result i of a run, of a size of so many dimensions; ort_output the
// first, of four.
status ort_result(table api, void *context, size_t i, const size_t *dims, size_t rank, tensor *t);
status ort_output(table api, void *context, const size_t dims[4], tensor *t);

// memory for one run comes from the session's own arena.
typedef struct {
	void *allocator;
	float *data;
} memory;

status ort_memory(table api); // once, before any of these
status ort_take(table api, const void *context, size_t floats, memory *m);
status ort_give(table api, memory *m, status s); // s, or what went wrong after it

// session is the pool of threads of the session that runs a kernel.
typedef struct {
	table api;
	const void *context;
	status failed;
} session;

faird_pool ort_pool(session *s);

// ort_integer and ort_number are a node's attributes; 0 where there is none.
int ort_integer(table api, const void *info, const char *name);
float ort_number(table api, const void *info, const char *name);

#endif
