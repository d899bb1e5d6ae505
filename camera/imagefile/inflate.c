#include "codec.h"

#include <limits.h>
#include <string.h>

#include <zlib.h>

int inflate_all(const uint8_t *in, size_t size, uint8_t *out, size_t capacity, size_t *got) {
	z_stream z;
	memset(&z, 0, sizeof z);
	*got = 0;
	if (size > UINT_MAX || capacity > UINT_MAX || inflateInit(&z) != Z_OK)
		return 0;
	z.next_in = (Bytef *)in;
	z.avail_in = (uInt)size;
	z.next_out = out;
	z.avail_out = (uInt)capacity;
	int end = inflate(&z, Z_FINISH);
	*got = z.total_out;
	inflateEnd(&z);
	return end == Z_STREAM_END;
}
