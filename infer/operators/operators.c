// The operators as ONNX Runtime sees them: what each takes and gives, and the
// kernels that look at it and call the loops.
#include "operators.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "norm.h"
#include "runtime.h"

// kernel is one node of a loaded graph.
typedef struct {
	table api;
	int relu, turned;
	float epsilon;
	size_t in, out;    // of constant weights
	float *u;          // these, prepared; NULL where they come with each run
} kernel;

// serial is the pool of a kernel that is being made.
static void serial(void *context, void (*task)(void *, size_t), size_t n, void *data) {
	(void)context;
	for (size_t i = 0; i < n; i++) task(data, i);
}

static void kernel_destroy(void *k) {
	free(((kernel *)k)->u);
	free(k);
}

// prepare_constant prepares weights that no run changes.
static status prepare_constant(kernel *k, const void *info) {
	int constant = 0;
	const void *value = NULL;
	TRY(CALL(k->api, API_KERNEL_INFO_GET_CONSTANT_INPUT_TENSOR, status, (const void *, size_t, int *, const void **), info, 1, &constant, &value));
	if (!constant || !value) return NULL;
	tensor w;
	TRY(ort_look(k->api, value, &w));
	size_t out = w.dims[k->turned ? 1 : 0], in = w.dims[k->turned ? 0 : 1];
	if (w.rank != 4 || w.dims[2] != 3 || w.dims[3] != 3) return ort_failure(k->api, INVALID_ARGUMENT, "Conv3x3: weights are no kernels of 3x3");
	size_t bytes = (faird_conv_prepared(in, out) * sizeof(float) + 63) / 64 * 64;
	if (!(k->u = aligned_alloc(64, bytes))) return ort_failure(k->api, FAIL, "Conv3x3: no memory for the weights");
	faird_pool pool = {serial, NULL, 1};
	faird_conv_prepare(&pool, in, out, w.data, k->turned, k->u);
	return NULL;
}

static status conv_create(const custom_op *op, table api, const void *info, void **made) {
	(void)op;
	kernel *k = calloc(1, sizeof *k);
	if (!k) return ort_failure(api, FAIL, "Conv3x3: no memory");
	k->api = api;
	k->relu = ort_integer(api, info, "relu");
	k->turned = ort_integer(api, info, "turned");
	status s = prepare_constant(k, info);
	if (s)
		kernel_destroy(k);
	else
		*made = k;
	return s;
}

static status conv_compute(void *self, void *context) {
	const kernel *k = self;
	table api = k->api;
	tensor x, w, bias, skip = {0}, y;
	size_t inputs = 0;
	TRY(ort_input(api, context, 0, &x));
	TRY(ort_input(api, context, 1, &w));
	TRY(ort_input(api, context, 2, &bias));
	TRY(CALL(api, API_KERNEL_CONTEXT_GET_INPUT_COUNT, status, (const void *, size_t *), context, &inputs));
	if (inputs > 3) TRY(ort_input(api, context, 3, &skip));
	size_t out = w.dims[k->turned ? 1 : 0], in = w.dims[k->turned ? 0 : 1];
	if (x.rank != 4 || w.rank != 4 || x.dims[1] != in || w.dims[2] != 3 || w.dims[3] != 3)
		return ort_failure(api, INVALID_ARGUMENT, "Conv3x3: weights do not fit the picture");
	size_t dims[4] = {x.dims[0], out, x.dims[2], x.dims[3]};
	if ((bias.data && bias.dims[0] != out) || (skip.data && memcmp(skip.dims, dims, sizeof dims)))
		return ort_failure(api, INVALID_ARGUMENT, "Conv3x3: bias or skip do not fit the result");
	TRY(ort_output(api, context, dims, &y));

	session s = {api, context, NULL};
	faird_pool pool = ort_pool(&s);
	faird_conv c = {dims[0], in, out, dims[2], dims[3], x.data, k->u, bias.data, skip.data, k->relu, y.data};
	size_t scratch = faird_conv_scratch(&pool, &c), prepared = k->u ? 0 : faird_conv_prepared(in, out);
	memory m;
	TRY(ort_take(api, context, scratch + prepared, &m));
	if (!k->u) {
		float *u = m.data + scratch;
		faird_conv_prepare(&pool, in, out, w.data, k->turned, u);
		c.u = u;
	}
	faird_conv_run(&pool, &c, m.data);
	return ort_give(api, &m, s.failed);
}

static status weights_create(const custom_op *op, table api, const void *info, void **made) {
	(void)op, (void)info;
	kernel *k = calloc(1, sizeof *k);
	if (!k) return ort_failure(api, FAIL, "Conv3x3Weights: no memory");
	k->api = api;
	*made = k;
	return NULL;
}

static status weights_compute(void *self, void *context) {
	table api = ((const kernel *)self)->api;
	tensor x, dy, dw;
	TRY(ort_input(api, context, 0, &x));
	TRY(ort_input(api, context, 1, &dy));
	if (x.rank != 4 || dy.rank != 4 || x.dims[0] != dy.dims[0] || x.dims[2] != dy.dims[2] || x.dims[3] != dy.dims[3])
		return ort_failure(api, INVALID_ARGUMENT, "Conv3x3Weights: the gradient does not fit the picture");
	size_t dims[4] = {dy.dims[1], x.dims[1], 3, 3};
	TRY(ort_output(api, context, dims, &dw));

	session s = {api, context, NULL};
	faird_pool pool = ort_pool(&s);
	faird_conv_gradient c = {x.dims[0], x.dims[1], dy.dims[1], x.dims[2], x.dims[3], x.data, dy.data, dw.data};
	memory m;
	TRY(ort_take(api, context, faird_conv_weights_scratch(&c), &m));
	faird_conv_weights(&pool, &c, m.data);
	return ort_give(api, &m, s.failed);
}

// bytes_create makes a kernel whose weights are the given input and constant;
// few is the side of them that must have few channels.
static status bytes_create(table api, const void *info, size_t at, int few, size_t (*size)(size_t, size_t),
	void (*prepare)(size_t, size_t, const float *, float *), void **made) {
	int constant = 0;
	const void *value = NULL;
	tensor w;
	TRY(CALL(api, API_KERNEL_INFO_GET_CONSTANT_INPUT_TENSOR, status, (const void *, size_t, int *, const void **), info, at, &constant, &value));
	if (!constant || !value) return ort_failure(api, INVALID_ARGUMENT, "a convolution to or from bytes: its weights are not constant");
	TRY(ort_look(api, value, &w));
	if (w.rank != 4 || w.dims[2] != 3 || w.dims[3] != 3 || w.dims[few] > 4)
		return ort_failure(api, INVALID_ARGUMENT, "a convolution to or from bytes: weights must be kernels of 3x3, of at most four channels on the side that is no bytes");
	kernel *k = calloc(1, sizeof *k);
	if (!k) return ort_failure(api, FAIL, "a convolution to or from bytes: no memory");
	*k = (kernel){.api = api, .in = w.dims[1], .out = w.dims[0]};
	k->u = aligned_alloc(64, (size(k->in, k->out) * sizeof(float) + 63) / 64 * 64);
	if (!k->u) {
		kernel_destroy(k);
		return ort_failure(api, FAIL, "a convolution to or from bytes: no memory for the weights");
	}
	prepare(k->in, k->out, w.data, k->u);
	*made = k;
	return NULL;
}

static status first_create(const custom_op *op, table api, const void *info, void **made) {
	(void)op;
	return bytes_create(api, info, 1, 1, faird_first_prepared, faird_first_prepare, made);
}

static status last_create(const custom_op *op, table api, const void *info, void **made) {
	(void)op;
	return bytes_create(api, info, 3, 0, faird_last_prepared, faird_last_prepare, made);
}

static status double_create(const custom_op *op, table api, const void *info, void **made) {
	(void)op, (void)info;
	kernel *k = calloc(1, sizeof *k);
	if (!k) return ort_failure(api, FAIL, "DoubleBytes: no memory");
	k->api = api;
	*made = k;
	return NULL;
}

// steps reads a scale and a zero point, inputs at and at + 1.
static status steps(table api, const void *context, size_t at, faird_steps *s) {
	tensor scale, zero;
	TRY(ort_input(api, context, at, &scale));
	TRY(ort_input(api, context, at + 1, &zero));
	if (scale.rank > 1 || zero.rank > 1 || scale.dims[0] != 1 || zero.dims[0] != 1) return ort_failure(api, INVALID_ARGUMENT, "bytes must have one scale and one zero point");
	*s = (faird_steps){*(const float *)scale.data, *(const uint8_t *)zero.data};
	if (!(s->scale > 0)) return ort_failure(api, INVALID_ARGUMENT, "the scale of bytes must be above zero");
	return NULL;
}

// x, weights, bias, scale, zero
static status first_compute(void *self, void *context) {
	const kernel *k = self;
	table api = k->api;
	tensor x, bias, y;
	faird_steps to;
	TRY(ort_input(api, context, 0, &x));
	TRY(ort_input(api, context, 2, &bias));
	TRY(steps(api, context, 3, &to));
	if (x.rank != 4 || x.dims[1] != k->in || bias.dims[0] != k->out) return ort_failure(api, INVALID_ARGUMENT, "Conv3x3ToBytes: weights do not fit the picture");
	size_t dims[4] = {x.dims[0], x.dims[2], x.dims[3], k->out};
	TRY(ort_output(api, context, dims, &y));
	session s = {api, context, NULL};
	faird_pool pool = ort_pool(&s);
	faird_first f = {dims[0], k->in, k->out, dims[1], dims[2], x.data, k->u, bias.data, to, y.data};
	faird_first_run(&pool, &f);
	return s.failed;
}

// x, scale, zero, weights, bias
static status last_compute(void *self, void *context) {
	const kernel *k = self;
	table api = k->api;
	tensor x, bias, y;
	faird_steps from;
	TRY(ort_input(api, context, 0, &x));
	TRY(steps(api, context, 1, &from));
	TRY(ort_input(api, context, 4, &bias));
	if (x.rank != 4 || x.dims[3] != k->in || bias.dims[0] != k->out) return ort_failure(api, INVALID_ARGUMENT, "Conv3x3FromBytes: weights do not fit the picture");
	size_t dims[4] = {x.dims[0], k->out, x.dims[1], x.dims[2]};
	TRY(ort_output(api, context, dims, &y));
	session s = {api, context, NULL};
	faird_pool pool = ort_pool(&s);
	faird_last l = {dims[0], k->in, k->out, dims[2], dims[3], x.data, from, k->u, bias.data, y.data};
	memory m;
	TRY(ort_take(api, context, faird_last_scratch(&pool, &l), &m));
	faird_last_run(&pool, &l, m.data);
	return ort_give(api, &m, s.failed);
}

// x, scale, zero, scale and zero of the result
static status double_compute(void *self, void *context) {
	table api = ((const kernel *)self)->api;
	tensor x, y;
	faird_steps from, to;
	TRY(ort_input(api, context, 0, &x));
	TRY(steps(api, context, 1, &from));
	TRY(steps(api, context, 3, &to));
	if (x.rank != 4) return ort_failure(api, INVALID_ARGUMENT, "DoubleBytes: that is no picture");
	size_t dims[4] = {x.dims[0], 2 * x.dims[1], 2 * x.dims[2], x.dims[3]};
	TRY(ort_output(api, context, dims, &y));
	session s = {api, context, NULL};
	faird_pool pool = ort_pool(&s);
	faird_double d = {x.dims[0], x.dims[3], x.dims[1], x.dims[2], x.data, from, to, y.data};
	faird_double_run(&pool, &d);
	return s.failed;
}

static const char *first_name(const custom_op *op) { return (void)op, "Conv3x3ToBytes"; }
static const char *last_name(const custom_op *op) { return (void)op, "Conv3x3FromBytes"; }
static const char *double_name(const custom_op *op) { return (void)op, "DoubleBytes"; }
static size_t five(const custom_op *op) { return (void)op, 5; }
static int first_types(const custom_op *op, size_t i) { return (void)op, i == 4 ? UINT8 : FLOAT; }
static int last_types(const custom_op *op, size_t i) { return (void)op, i == 0 || i == 2 ? UINT8 : FLOAT; }
static int double_types(const custom_op *op, size_t i) { return (void)op, i % 2 == 0 ? UINT8 : FLOAT; }
static int bytes(const custom_op *op, size_t i) { return (void)op, (void)i, UINT8; }

// norm_create serves both ways.
static status norm_create(const custom_op *op, table api, const void *info, void **made) {
	(void)op;
	kernel *k = calloc(1, sizeof *k);
	if (!k) return ort_failure(api, FAIL, "NormRelu: no memory");
	k->api = api;
	k->epsilon = ort_number(api, info, "epsilon");
	*made = k;
	return NULL;
}

// channels reads inputs from at on that have a number for each channel.
static status channels(table api, const void *context, size_t at, size_t count, size_t n, tensor *t) {
	for (size_t i = 0; i < count; i++) {
		TRY(ort_input(api, context, at + i, &t[i]));
		if (t[i].rank != 1 || t[i].dims[0] != n) return ort_failure(api, INVALID_ARGUMENT, "NormRelu: not a number for each channel");
	}
	return NULL;
}

// x, scale, bias to y, mean, variance
static status norm_compute(void *self, void *context) {
	const kernel *k = self;
	table api = k->api;
	tensor x, given[2], y, made[2];
	TRY(ort_input(api, context, 0, &x));
	if (x.rank != 4) return ort_failure(api, INVALID_ARGUMENT, "NormRelu: that is no picture");
	TRY(channels(api, context, 1, 2, x.dims[1], given));
	TRY(ort_output(api, context, x.dims, &y));
	for (size_t i = 0; i < 2; i++) TRY(ort_result(api, context, 1 + i, &x.dims[1], 1, &made[i]));
	session s = {api, context, NULL};
	faird_pool pool = ort_pool(&s);
	faird_norm f = {x.dims[0], x.dims[1], x.dims[2] * x.dims[3], k->epsilon, x.data, given[0].data, given[1].data, y.data, made[0].data, made[1].data};
	faird_norm_run(&pool, &f);
	return s.failed;
}

// x, dy, scale, bias, mean, variance to dx, dscale, dbias
static status norm_back_compute(void *self, void *context) {
	const kernel *k = self;
	table api = k->api;
	tensor x, dy, given[4], dx, made[2];
	TRY(ort_input(api, context, 0, &x));
	TRY(ort_input(api, context, 1, &dy));
	if (x.rank != 4 || dy.rank != 4 || memcmp(x.dims, dy.dims, sizeof x.dims)) return ort_failure(api, INVALID_ARGUMENT, "NormReluBack: the gradient does not fit the picture");
	TRY(channels(api, context, 2, 4, x.dims[1], given));
	TRY(ort_output(api, context, x.dims, &dx));
	for (size_t i = 0; i < 2; i++) TRY(ort_result(api, context, 1 + i, &x.dims[1], 1, &made[i]));
	session s = {api, context, NULL};
	faird_pool pool = ort_pool(&s);
	faird_norm_back b = {x.dims[0], x.dims[1], x.dims[2] * x.dims[3], k->epsilon, x.data, dy.data,
		given[0].data, given[1].data, given[2].data, given[3].data, dx.data, made[0].data, made[1].data};
	faird_norm_back_run(&pool, &b);
	return s.failed;
}

static const char *norm_name(const custom_op *op) { return (void)op, "NormRelu"; }
static const char *norm_back_name(const custom_op *op) { return (void)op, "NormReluBack"; }
static size_t three(const custom_op *op) { return (void)op, 3; }
static size_t six(const custom_op *op) { return (void)op, 6; }

static const char *conv_name(const custom_op *op) { return (void)op, "Conv3x3"; }
static const char *weights_name(const custom_op *op) { return (void)op, "Conv3x3Weights"; }
static const char *cpu(const custom_op *op) { return (void)op, NULL; }
static int floats(const custom_op *op, size_t i) { return (void)op, (void)i, FLOAT; }
static size_t one(const custom_op *op) { return (void)op, 1; }
static size_t two(const custom_op *op) { return (void)op, 2; }
static size_t four(const custom_op *op) { return (void)op, 4; }
static int required(const custom_op *op, size_t i) { return (void)op, (void)i, REQUIRED; }
static int bias_optional(const custom_op *op, size_t i) { return (void)op, i < 2 ? REQUIRED : OPTIONAL; }
static int default_memory(const custom_op *op, size_t i) { return (void)op, (void)i, DEFAULT_MEMORY; }
static int version_1(const custom_op *op) { return (void)op, 1; }

#define OPERATOR(op_name, op_inputs, op_types, op_outputs, op_result, op_needs, op_create, op_compute)              \
	{.version = API_VERSION, .name = op_name, .provider = cpu, .input_type = op_types, .input_count = op_inputs,       \
	 .output_type = op_result, .output_count = op_outputs, .destroy = kernel_destroy, .input_characteristic = op_needs,       \
	 .output_characteristic = required, .input_memory = default_memory, .create_v2 = op_create,                        \
	 .compute_v2 = op_compute, .start_version = version_1, .end_version = version_1}

static custom_op operators[] = {
	OPERATOR(conv_name, four, floats, one, floats, bias_optional, conv_create, conv_compute),
	OPERATOR(weights_name, two, floats, one, floats, required, weights_create, weights_compute),
	OPERATOR(norm_name, three, floats, three, floats, required, norm_create, norm_compute),
	OPERATOR(norm_back_name, six, floats, three, floats, required, norm_create, norm_back_compute),
	OPERATOR(first_name, five, first_types, one, bytes, required, first_create, first_compute),
	OPERATOR(last_name, five, last_types, one, floats, required, last_create, last_compute),
	OPERATOR(double_name, five, double_types, one, bytes, required, double_create, double_compute),
};

static void *domain; // made once for the process, as the library is loaded once

static status make_domain(table api) {
	TRY(ort_memory(api));
	TRY(CALL(api, API_CREATE_CUSTOM_OP_DOMAIN, status, (const char *, void **), "faird", &domain));
	for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
		TRY(CALL(api, API_CUSTOM_OP_DOMAIN_ADD, status, (void *, const custom_op *), domain, &operators[i]));
	return NULL;
}

char *faird_operators_add(const void *functions, void *options) {
	table api = functions;
	status s = domain ? NULL : make_domain(api);
	if (!s) s = CALL(api, API_ADD_CUSTOM_OP_DOMAIN, status, (void *, void *), options, domain);
	if (!s) return NULL;
	char *why = strdup(CALL(api, API_GET_ERROR_MESSAGE, const char *, (const void *), s));
	CALL(api, API_RELEASE_STATUS, void, (void *), s);
	return why;
}
