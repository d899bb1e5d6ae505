// The loops of norm.c; each_kind.h includes them. What is left of a plane behind
// the last whole vector is done number by number.

// total of a vector, whose lanes have some hundreds of numbers each.
INLINE double NAME(total)(vec v) {
	double sum = 0;
	for (int i = 0; i < LANES; i++) sum += v[i];
	return sum;
}

static double NAME(sum)(const float *x, size_t n) {
	vec a = {0}, b = {0};
	size_t i = 0;
	for (; i + 2 * LANES <= n; i += 2 * LANES) {
		a += NAME(load)(x + i);
		b += NAME(load)(x + i + LANES);
	}
	double sum = NAME(total)(a + b);
	for (; i < n; i++) sum += x[i];
	return sum;
}

// squares is the sum of (x - mean)^2.
static double NAME(squares)(const float *x, size_t n, float mean) {
	vec a = {0}, b = {0};
	size_t i = 0;
	for (; i + 2 * LANES <= n; i += 2 * LANES) {
		vec p = NAME(load)(x + i) - mean, q = NAME(load)(x + i + LANES) - mean;
		a += p * p;
		b += q * q;
	}
	double sum = NAME(total)(a + b);
	for (; i < n; i++) sum += (double)(x[i] - mean) * (double)(x[i] - mean);
	return sum;
}

// line is the ReLU of slope (x - mean) + bias. What is no number stays none.
static void NAME(line)(const float *x, size_t n, float mean, float slope, float bias, float *y) {
	size_t i = 0;
	for (; i + LANES <= n; i += LANES) {
		vec v = (NAME(load)(x + i) - mean) * slope + bias;
		NAME(store)(y + i, NAME(positive)(v));
	}
	for (; i < n; i++) {
		float v = (x[i] - mean) * slope + bias;
		y[i] = v < 0 ? 0 : v;
	}
}

// through is what the ReLU lets through of dy: where slope (x - mean) + bias is
// above zero.
INLINE vec NAME(through)(vec dy, vec d, float slope, float bias) {
	return (vec)((bits)dy & (d * slope + bias > 0));
}

// moments adds up g and g (x - mean), g being what comes through.
static void NAME(moments)(const float *x, const float *dy, size_t n, float mean, float slope, float bias, double *sum, double *product) {
	vec a = {0}, b = {0};
	size_t i = 0;
	for (; i + LANES <= n; i += LANES) {
		vec d = NAME(load)(x + i) - mean, g = NAME(through)(NAME(load)(dy + i), d, slope, bias);
		a += g;
		b += g * d;
	}
	*sum += NAME(total)(a);
	*product += NAME(total)(b);
	for (; i < n; i++) {
		float d = x[i] - mean, g = d * slope + bias > 0 ? dy[i] : 0;
		*sum += g;
		*product += (double)g * (double)d;
	}
}

// gradient is slope g + shift + tilt (x - mean).
static void NAME(gradient)(const float *x, const float *dy, size_t n, float mean, float slope, float bias, float shift, float tilt, float *dx) {
	size_t i = 0;
	for (; i + LANES <= n; i += LANES) {
		vec d = NAME(load)(x + i) - mean;
		NAME(store)(dx + i, NAME(through)(NAME(load)(dy + i), d, slope, bias) * slope + shift + d * tilt);
	}
	for (; i < n; i++) {
		float d = x[i] - mean;
		dx[i] = (d * slope + bias > 0 ? dy[i] : 0) * slope + shift + d * tilt;
	}
}

static const norm_loops NAME(norm_loops) = {NAME(sum), NAME(squares), NAME(line), NAME(moments), NAME(gradient)};
