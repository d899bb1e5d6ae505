#include "codec.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tiffio.h>

// source is the file in memory and what libtiff said about it.
typedef struct {
	const uint8_t *data;
	size_t size, at;
	int failed; // libtiff reported an error, or a warning about pixels
	int decoding;
	failure *why;
} source;

// note keeps the first message.
static void note(source *s, const char *format, va_list args) {
	if (!s->failed)
		vsnprintf(s->why->text, sizeof s->why->text, format, args);
	s->failed = 1;
}

static int on_error(TIFF *t, void *user, const char *module, const char *format, va_list args) {
	(void)t, (void)module;
	note(user, format, args);
	return 1; // handled: libtiff's own handler would print it
}

// on_warning is called for much that is harmless while the directory is read, such
// as private tags; but not for what lies outside the file, and not for pixels.
static int on_warning(TIFF *t, void *user, const char *module, const char *format, va_list args) {
	(void)t, (void)module;
	source *s = user;
	if (s->decoding || strstr(format, "IO error") != NULL)
		note(s, format, args);
	return 1;
}

static tmsize_t on_read(thandle_t h, void *to, tmsize_t n) {
	source *s = h;
	if (n < 0 || s->at >= s->size)
		return 0;
	if ((size_t)n > s->size - s->at)
		n = (tmsize_t)(s->size - s->at);
	memcpy(to, s->data + s->at, (size_t)n);
	s->at += (size_t)n;
	return n;
}

static tmsize_t on_write(thandle_t h, void *from, tmsize_t n) {
	(void)h, (void)from, (void)n;
	return 0;
}

static toff_t on_seek(thandle_t h, toff_t offset, int whence) {
	source *s = h;
	s->at = offset + (whence == SEEK_CUR ? s->at : whence == SEEK_END ? s->size : 0);
	return s->at;
}

static int on_close(thandle_t h) {
	(void)h;
	return 0;
}

static toff_t on_size(thandle_t h) { return ((source *)h)->size; }

static int on_map(thandle_t h, void **base, toff_t *size) {
	source *s = h;
	*base = (void *)s->data;
	*size = s->size;
	return 1;
}

static void on_unmap(thandle_t h, void *base, toff_t size) { (void)h, (void)base, (void)size; }

static TIFF *open_tiff(source *s, size_t max_alloc) {
	TIFFOpenOptions *o = TIFFOpenOptionsAlloc();
	if (o == NULL)
		return NULL;
	TIFFOpenOptionsSetMaxSingleMemAlloc(o, (tmsize_t)max_alloc);
	TIFFOpenOptionsSetErrorHandlerExtR(o, on_error, s);
	TIFFOpenOptionsSetWarningHandlerExtR(o, on_warning, s);
	TIFF *t = TIFFClientOpenExt("TIFF", "r", s, on_read, on_write, on_seek, on_close, on_size, on_map, on_unmap, o);
	TIFFOpenOptionsFree(o);
	return t;
}

static int deflated(const tiff_header *h) {
	return h->compression == COMPRESSION_ADOBE_DEFLATE || h->compression == COMPRESSION_DEFLATE;
}

static void describe(TIFF *t, tiff_header *h) {
	uint16_t most = 0;
	TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &h->width);
	TIFFGetField(t, TIFFTAG_IMAGELENGTH, &h->height);
	TIFFGetFieldDefaulted(t, TIFFTAG_BITSPERSAMPLE, &h->bits);
	TIFFGetFieldDefaulted(t, TIFFTAG_SAMPLESPERPIXEL, &h->channels);
	TIFFGetFieldDefaulted(t, TIFFTAG_SAMPLEFORMAT, &h->format);
	TIFFGetFieldDefaulted(t, TIFFTAG_COMPRESSION, &h->compression);
	TIFFGetFieldDefaulted(t, TIFFTAG_PLANARCONFIG, &h->planar);
	TIFFGetFieldDefaulted(t, TIFFTAG_FILLORDER, &h->fill_order);
	h->predictor = PREDICTOR_NONE;
	if (deflated(h))
		TIFFGetFieldDefaulted(t, TIFFTAG_PREDICTOR, &h->predictor);
	if (!TIFFGetField(t, TIFFTAG_PHOTOMETRIC, &h->photometric))
		h->photometric = PHOTOMETRIC_MINISBLACK;
	if (TIFFGetField(t, TIFFTAG_MAXSAMPLEVALUE, &most))
		h->most = most;
	if (h->photometric == PHOTOMETRIC_YCBCR && h->compression == COMPRESSION_JPEG)
		TIFFSetField(t, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB); // libjpeg converts
	h->chunk = TIFFIsTiled(t) ? TIFFTileSize64(t) : TIFFStripSize64(t);
}

int tiff_read_header(const uint8_t *data, size_t size, size_t max_alloc, tiff_header *h, failure *why) {
	source s = {.data = data, .size = size, .why = why};
	memset(h, 0, sizeof *h);
	snprintf(why->text, sizeof why->text, "its directory cannot be read");
	TIFF *t = open_tiff(&s, max_alloc);
	if (t == NULL)
		return CODEC_DAMAGED;
	describe(t, h);
	TIFFClose(t);
	return s.failed ? CODEC_DAMAGED : CODEC_OK;
}

// layout says how samples become pixels.
typedef struct {
	const image *out;
	int bits, step;            // of a sample; samples from one pixel to the next
	int channel[3];            // the sample for blue, green, red; -1 for none
	uint32_t most;             // index of the last entry of a table
	const uint8_t *tables[3];  // for blue, green, red
} layout;

static inline uint32_t sample(const uint8_t *row, int bits, size_t i) {
	if (bits == 8)
		return row[i];
	if (bits == 16)
		return ((const uint16_t *)row)[i];
	size_t at = i * (size_t)bits; // packed, most significant bit first
	uint32_t v = (uint32_t)row[at / 8] << 16;
	if (at % 8 + bits > 8)
		v |= (uint32_t)row[at / 8 + 1] << 8;
	if (at % 8 + bits > 16)
		v |= row[at / 8 + 2];
	return v >> (24 - at % 8 - bits) & ((1u << bits) - 1);
}

static inline void put_channel(const layout *l, int c, const uint8_t *row, int bits, uint8_t *out, int n) {
	const uint8_t *table = l->tables[c];
	size_t step = (size_t)l->step, at = (size_t)l->channel[c];
	for (int x = 0; x < n; x++, at += step) {
		uint32_t v = sample(row, bits, at);
		out[3 * x + c] = table[v < l->most ? v : l->most];
	}
}

static void put_row(const layout *l, const uint8_t *row, uint8_t *out, int n) {
	for (int c = 0; c < 3; c++) {
		if (l->channel[c] < 0)
			continue;
		switch (l->bits) { // constants make the common loops fast
		case 8: put_channel(l, c, row, 8, out, n); break;
		case 16: put_channel(l, c, row, 16, out, n); break;
		default: put_channel(l, c, row, l->bits, out, n);
		}
	}
}

// put writes the part of a strip or tile that lies inside the image.
static void put(const layout *l, const uint8_t *chunk, size_t row_bytes, int x, int y, int width, int height) {
	if (width > l->out->width - x)
		width = l->out->width - x;
	if (height > l->out->height - y)
		height = l->out->height - y;
	for (int i = 0; i < height; i++)
		put_row(l, chunk + i * row_bytes, l->out->pixels + (y + i) * l->out->stride + 3 * (size_t)x, width);
}

// reader reads strips or tiles into a buffer of the size that the header names.
typedef struct {
	TIFF *t;
	const source *s;
	const tiff_header *h;
	uint8_t *buffer;
} reader;

// add undoes the horizontal predictor (TIFF 6.0, section 14).
static void add(const reader *r, size_t row_bytes, size_t rows) {
	size_t step = r->h->planar == PLANARCONFIG_SEPARATE ? 1 : r->h->channels;
	for (size_t y = 0; y < rows; y++) {
		uint8_t *row = r->buffer + y * row_bytes;
		if (r->h->bits == 8)
			for (size_t i = step; i < row_bytes; i++)
				row[i] = (uint8_t)(row[i] + row[i - step]);
		else
			for (size_t i = step; i < row_bytes / 2; i++)
				((uint16_t *)row)[i] = (uint16_t)(((uint16_t *)row)[i] + ((uint16_t *)row)[i - step]);
	}
}

// inflate_chunk does what libtiff does with deflate, and checks the checksum.
static int inflate_chunk(const reader *r, uint32_t i, size_t want, size_t row_bytes) {
	uint64_t at = TIFFGetStrileOffset(r->t, i), n = TIFFGetStrileByteCount(r->t, i);
	size_t got;
	if (at > r->s->size || n > r->s->size - at || !inflate_all(r->s->data + at, n, r->buffer, r->h->chunk, &got) || got < want)
		return 0;
	if (r->h->bits == 16 && TIFFIsByteSwapped(r->t))
		TIFFSwabArrayOfShort((uint16_t *)r->buffer, (tmsize_t)(want / 2));
	if (r->h->predictor == PREDICTOR_HORIZONTAL)
		add(r, row_bytes, want / row_bytes);
	return 1;
}

static int read_strips(const reader *r, const layout *l, uint16_t plane) {
	uint32_t rows = 0;
	TIFFGetFieldDefaulted(r->t, TIFFTAG_ROWSPERSTRIP, &rows);
	size_t row_bytes = (size_t)TIFFScanlineSize(r->t);
	for (uint32_t y = 0, n; y < (uint32_t)l->out->height; y += n) {
		n = (uint32_t)l->out->height - y < rows ? (uint32_t)l->out->height - y : rows;
		uint32_t i = TIFFComputeStrip(r->t, y, plane);
		tmsize_t want = TIFFVStripSize(r->t, n);
		if (n == 0 || row_bytes == 0 || want <= 0 || (uint64_t)want > r->h->chunk)
			return 0;
		if (!(deflated(r->h) ? inflate_chunk(r, i, (size_t)want, row_bytes) : TIFFReadEncodedStrip(r->t, i, r->buffer, want) == want))
			return 0;
		put(l, r->buffer, row_bytes, 0, (int)y, l->out->width, (int)n);
	}
	return 1;
}

static int read_tile(const reader *r, uint32_t i, size_t row_bytes) {
	if (deflated(r->h))
		return inflate_chunk(r, i, r->h->chunk, row_bytes);
	return TIFFReadEncodedTile(r->t, i, r->buffer, (tmsize_t)r->h->chunk) == (tmsize_t)r->h->chunk;
}

static int read_tiles(const reader *r, const layout *l, uint16_t plane) {
	uint32_t width = 0, height = 0;
	TIFFGetField(r->t, TIFFTAG_TILEWIDTH, &width);
	TIFFGetField(r->t, TIFFTAG_TILELENGTH, &height);
	size_t row_bytes = (size_t)TIFFTileRowSize(r->t);
	if (width == 0 || height == 0 || row_bytes == 0)
		return 0;
	int w = width > INT32_MAX ? INT32_MAX : (int)width, h = height > INT32_MAX ? INT32_MAX : (int)height;
	for (int64_t y = 0; y < l->out->height; y += h)
		for (int64_t x = 0; x < l->out->width; x += w) {
			if (!read_tile(r, TIFFComputeTile(r->t, (uint32_t)x, (uint32_t)y, 0, plane), row_bytes))
				return 0;
			put(l, r->buffer, row_bytes, (int)x, (int)y, w, h);
		}
	return 1;
}

static int read_plane(const reader *r, const layout *l, uint16_t plane) {
	return TIFFIsTiled(r->t) ? read_tiles(r, l, plane) : read_strips(r, l, plane);
}

// arrange fills the layout of the plane.
static void arrange(layout *l, const tiff_header *h, int plane) {
	int colour = h->photometric == PHOTOMETRIC_RGB || h->photometric == PHOTOMETRIC_YCBCR;
	int separate = h->planar == PLANARCONFIG_SEPARATE && h->channels > 1;
	l->bits = h->bits;
	l->step = separate ? 1 : h->channels;
	for (int c = 0; c < 3; c++) {
		int from = colour ? 2 - c : 0;
		l->channel[c] = !separate ? from : from == plane ? 0 : -1;
	}
}

// palette fills the tables from a colour map, 0..65535 for each colour.
static int palette(TIFF *t, layout *l, int bits, uint8_t tables[3][256]) {
	uint16_t *map[3];
	if (bits > 8 || !TIFFGetField(t, TIFFTAG_COLORMAP, &map[2], &map[1], &map[0]))
		return 0;
	l->most = (1u << bits) - 1;
	for (int c = 0; c < 3; c++) {
		for (uint32_t i = 0; i <= l->most; i++)
			tables[c][i] = (uint8_t)((map[c][i] * 255u + 32767u) / 65535u);
		l->tables[c] = tables[c];
	}
	return 1;
}

static int run(TIFF *t, source *s, const tiff_header *h, const image *out, const uint8_t *table, int most) {
	uint8_t colours[3][256];
	layout l = {.out = out, .most = (uint32_t)most, .tables = {table, table, table}};
	if (h->photometric == PHOTOMETRIC_PALETTE && !palette(t, &l, h->bits, colours))
		return 0;
	reader r = {t, s, h, malloc(h->chunk)};
	if (r.buffer == NULL)
		return 0;
	int planes = h->planar == PLANARCONFIG_SEPARATE ? h->channels : 1, ok = 1;
	s->decoding = 1;
	for (int p = 0; ok && p < planes; p++) {
		arrange(&l, h, p);
		ok = read_plane(&r, &l, (uint16_t)p);
	}
	free(r.buffer);
	return ok;
}

int tiff_decode(const uint8_t *data, size_t size, size_t max_alloc, image out, const uint8_t *table, int most, failure *why) {
	source s = {.data = data, .size = size, .why = why};
	tiff_header h = {0};
	snprintf(why->text, sizeof why->text, "a strip or tile is missing, cut short, or of another size than the header says");
	TIFF *t = open_tiff(&s, max_alloc);
	if (t == NULL)
		return CODEC_DAMAGED;
	describe(t, &h);
	int ok = h.width == (uint32_t)out.width && h.height == (uint32_t)out.height && run(t, &s, &h, &out, table, most);
	TIFFClose(t);
	return ok && !s.failed ? CODEC_OK : CODEC_DAMAGED;
}
