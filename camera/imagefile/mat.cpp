#include <opencv2/core/mat.hpp>

extern "C" {
#include "codec.h"
}

extern "C" uint8_t *mat_resize(void *mat, int rows, int columns, size_t *stride) {
	cv::Mat *m = static_cast<cv::Mat *>(mat);
	try {
		m->create(rows, columns, CV_8UC3);
	} catch (...) {
		return NULL;
	}
	*stride = m->step[0];
	return m->data;
}
