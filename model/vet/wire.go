package vet

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"faird/model/onnxpb"
)

// Limits of a file's encoding. What they count takes much more memory once it is
// decoded than in the file.
const (
	maxDepth    = 16       // of messages in messages
	maxMessages = 200_000  // and strings in lists
	maxNumbers  = 16 << 20 // in lists of variable length numbers
	hint        = "export the network again, as a single file with raw data"
)

// Scan checks the bytes of a file before they are decoded. Bytes that are no ONNX
// file at all pass: decoding says what is wrong with them.
func Scan(data []byte) error {
	s := scan{}
	s.message(data, (*onnxpb.ModelProto)(nil).ProtoReflect().Descriptor(), 0)
	return s.err
}

type scan struct {
	messages, numbers int
	err               error
}

// message goes through one message; it reports false where it is damaged or refused.
func (s *scan) message(data []byte, d protoreflect.MessageDescriptor, depth int) bool {
	if depth > maxDepth {
		s.err = refuse("it is nested deeper than %d levels: %s", maxDepth, hint)
		return false
	}
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return false
		}
		data = data[n:]
		size := protowire.ConsumeFieldValue(number, kind, data)
		if size < 0 {
			return false
		}
		if f := d.Fields().ByNumber(number); f != nil && !s.field(f, kind, data[:size], depth) {
			return false
		}
		data = data[size:]
	}
	return true
}

func (s *scan) field(f protoreflect.FieldDescriptor, kind protowire.Type, value []byte, depth int) bool {
	text := kind == protowire.BytesType
	switch {
	case text && f.Kind() == protoreflect.MessageKind:
		s.messages++
		inner, _ := protowire.ConsumeBytes(value)
		if !s.message(inner, f.Message(), depth+1) {
			return false
		}
	case text && f.IsList() && isText(f.Kind()):
		s.messages++
	case text && f.IsList():
		packed, _ := protowire.ConsumeBytes(value)
		for _, b := range packed { // a number ends with each byte below 128; of fixed-length ones this is less than there are
			if b < 0x80 && f.Kind() != protoreflect.FloatKind && f.Kind() != protoreflect.DoubleKind {
				s.numbers++
			}
		}
	case f.IsList():
		s.numbers++
	}
	switch {
	case s.messages > maxMessages:
		s.err = refuse("it has more than %d parts: %s", maxMessages, hint)
	case s.numbers > maxNumbers:
		s.err = refuse("it has more than %d numbers that are not raw data: %s", maxNumbers, hint)
	}
	return s.err == nil
}

func isText(k protoreflect.Kind) bool {
	return k == protoreflect.StringKind || k == protoreflect.BytesKind
}
