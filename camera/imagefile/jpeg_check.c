#include "codec.h"

#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

// entry is what a Huffman code tells of a block: how many bits it and the value after
// it take, and how far it moves through the 64 coefficients.
typedef struct {
	uint8_t bits; // 0: no such code
	uint8_t step;
} entry;

enum { LOOK = 9, END_OF_BLOCK = 64 };

// codes decodes one table: what has LOOK bits or fewer by one look, the rest by
// length (T.81, F.2.2.3).
typedef struct {
	entry look[1 << LOOK];
	int32_t max[17]; // largest code of a length; -1: none
	int32_t first[17];
	entry entries[256];
} codes;

// meaning is the entry of a symbol with a code of so many bits (T.81, F.1.2). A symbol
// that 8-bit samples cannot need has none.
static entry meaning(int dc, int length, int symbol) {
	int run = symbol >> 4, size = symbol & 15;
	entry e = {0, 0};
	if (dc)
		return symbol > 11 ? e : (entry){(uint8_t)(length + symbol), 1};
	if (size > 10 || (size == 0 && run != 0 && run != 15))
		return e;
	e.bits = (uint8_t)(length + size);
	e.step = symbol == 0 ? END_OF_BLOCK : (uint8_t)(run + 1);
	return e;
}

static int build(const jpeg_huffman *h, int dc, codes *c) {
	int32_t code = 0;
	int at = 0;
	memset(c, 0, sizeof *c);
	for (int length = 1; length <= 16; length++, code <<= 1) {
		c->first[length] = at - code;
		for (int i = 0; i < h->counts[length - 1]; i++, at++, code++) {
			if (at == 256 || code >= 1 << length)
				return 0;
			c->entries[at] = meaning(dc, length, h->symbols[at]);
			if (length <= LOOK)
				for (int j = 0; j < 1 << (LOOK - length); j++)
					c->look[code << (LOOK - length) | j] = c->entries[at];
		}
		c->max[length] = h->counts[length - 1] ? code - 1 : -1;
	}
	return 1;
}

// bits reads entropy-coded data up to the next marker.
typedef struct {
	const uint8_t *at, *end;
	uint64_t held; // the lowest n bits are the next ones
	int n;
} bits;

static void fill(bits *b) {
	while (b->n <= 56 && b->at < b->end) {
		if (b->at[0] == 0xff) {
			if (b->end - b->at < 2 || b->at[1] != 0)
				return; // a marker
			b->at++; // a zero is stuffed after 0xff
			b->held = b->held << 8 | 0xff;
		} else {
			b->held = b->held << 8 | b->at[0];
		}
		b->at++;
		b->n += 8;
	}
}

static uint32_t peek(const bits *b, int n) {
	return (uint32_t)(b->n >= n ? b->held >> (b->n - n) : b->held << (n - b->n)) & ((1u << n) - 1);
}

static entry slow(const bits *b, const codes *c) {
	for (int length = LOOK + 1; length <= 16; length++) {
		int32_t code = (int32_t)peek(b, length);
		if (code <= c->max[length])
			return c->entries[code + c->first[length]];
	}
	return (entry){0, 0};
}

// next moves past one code and its value.
static inline entry next(bits *b, const codes *c) {
	if (b->n < 32)
		fill(b);
	entry e = c->look[peek(b, LOOK)];
	if (e.bits == 0)
		e = slow(b, c);
	b->n -= e.bits;
	return e;
}

static const char *block(bits *b, const codes *dc, const codes *ac) {
	entry e = next(b, dc);
	for (int k = 1; e.bits != 0 && b->n >= 0; k += e.step) {
		if (k >= DCTSIZE2) // the last step may be a run of zeros to the end
			return k == DCTSIZE2 ? NULL : "a block has more than 64 coefficients";
		e = next(b, ac);
		if (e.step == END_OF_BLOCK && e.bits != 0 && b->n >= 0)
			return NULL;
	}
	return b->n < 0 ? "the image data end early" : "there is no such Huffman code";
}

// ended says what is left over before a marker. Encoders fill up the last byte, and
// some of them the last word, with zeros or ones.
static const char *ended(bits *b) {
	fill(b);
	int whole = b->n / 8;
	if (whole == 0)
		return NULL;
	uint64_t left = b->held & (~(uint64_t)0 >> (64 - 8 * whole)), ones = ~(uint64_t)0 >> (64 - 8 * whole);
	return whole < 8 && (left == 0 || left == ones) ? NULL : "image data are left over";
}

// restarted takes restart marker n, which may have fill bytes before it.
static const char *restarted(bits *b, int n) {
	const char *why = ended(b);
	if (why != NULL)
		return why;
	while (b->end - b->at > 1 && b->at[0] == 0xff && b->at[1] == 0xff)
		b->at++;
	if (b->end - b->at < 2 || b->at[0] != 0xff || b->at[1] != 0xd0 + n % 8)
		return "a restart marker is missing";
	b->at += 2;
	b->held = 0;
	b->n = 0;
	return NULL;
}

static const char *check(const jpeg_scan *s, bits *b, const codes *tables) {
	for (uint32_t m = 0; m < s->mcus; m++) {
		const char *why = NULL;
		if (s->restart != 0 && m != 0 && m % s->restart == 0 && (why = restarted(b, (int)(m / s->restart - 1))) != NULL)
			return why;
		for (int c = 0; c < s->components; c++)
			for (int i = 0; i < s->blocks[c]; i++)
				if ((why = block(b, &tables[2 * c], &tables[2 * c + 1])) != NULL)
					return why;
	}
	const char *why = ended(b);
	while (b->at < b->end && b->at[0] == 0xff) // fill bytes before the marker
		b->at++;
	return why == NULL && b->at != b->end ? "image data are left over" : why;
}

int jpeg_check_scan(const uint8_t *data, size_t size, const jpeg_scan *s, failure *why) {
	codes tables[2 * 4];
	bits b = {.at = data, .end = data + size};
	for (int c = 0; c < s->components; c++)
		if (!build(&s->dc[c], 1, &tables[2 * c]) || !build(&s->ac[c], 0, &tables[2 * c + 1])) {
			snprintf(why->text, sizeof why->text, "a Huffman table has more codes than there are");
			return CODEC_DAMAGED;
		}
	const char *text = check(s, &b, tables);
	if (text == NULL)
		return CODEC_OK;
	snprintf(why->text, sizeof why->text, "%s", text);
	return CODEC_DAMAGED;
}

static void copy(jpeg_huffman *to, const JHUFF_TBL *from) {
	memcpy(to->counts, from->bits + 1, sizeof to->counts);
	memcpy(to->symbols, from->huffval, sizeof to->symbols);
	to->known = 1;
}

void jpeg_standard_tables(jpeg_huffman dc[4], jpeg_huffman ac[4]) {
	struct jpeg_compress_struct c;
	struct jpeg_error_mgr e;
	c.err = jpeg_std_error(&e);
	jpeg_create_compress(&c);
	c.in_color_space = JCS_YCbCr;
	c.input_components = 3;
	jpeg_set_defaults(&c);
	for (int i = 0; i < 2; i++) {
		copy(&dc[i], c.dc_huff_tbl_ptrs[i]);
		copy(&ac[i], c.ac_huff_tbl_ptrs[i]);
	}
	jpeg_destroy_compress(&c);
}
