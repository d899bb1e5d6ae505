package model

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"faird/model/onnxpb"
	"faird/model/vet"
)

// MaxBytes is the largest file that is read: the paper's network at c=256.
const MaxBytes = 1 << 30

// File is a model file in memory. Spec may be changed; Write stores it.
type File struct {
	Spec
	Path   string // "" until read or written
	Hash   string // "sha256:<hex>" of Bytes
	Plain  bool   // no faird metadata: the paper's constants, not calibrated
	Input  string // name of the network's input, float32 [n,c,h,w]
	Output string // name of the network's output, float32 [n,3,h,w], BGR
	Batch  int    // n where the file fixes it; 0: free
	Memory int64  // bytes that a run of one batch takes, the weights included; see vet.Network
	data   []byte
}

// Read reads and checks a model file. Every error names the file and what to do.
func Read(path string) (*File, error) {
	data, err := ReadBytes(path)
	if err != nil {
		return nil, err
	}
	return ParseAs(path, data)
}

// Parse checks the bytes of a model file; the File keeps them.
func Parse(data []byte) (*File, error) {
	m, err := unmarshalModel(data)
	if err != nil {
		return nil, err
	}
	sig, err := checkGraph(m.Graph)
	if err != nil {
		return nil, err
	}
	meta, err := metadata(m)
	if err != nil {
		return nil, err
	}
	spec, plain, err := decodeSpec(meta, sig.in)
	if err != nil {
		return nil, err
	}
	f := &File{Spec: spec, Hash: HashOf(data), Plain: plain, Input: sig.input, Output: sig.output, Batch: sig.in.batch, data: data}
	return f, f.vet(m)
}

// New makes a model file of a network and what is to be known about it. Spec's
// channels are the network's; where its size is zero, that too.
func New(onnx []byte, s Spec) (*File, error) {
	m, err := unmarshalModel(onnx)
	if err != nil {
		return nil, err
	}
	sig, err := checkGraph(m.Graph)
	if err != nil {
		return nil, err
	}
	if s.Width == 0 && s.Height == 0 {
		s.Width, s.Height = sig.in.width, sig.in.height
	}
	s.Channels = sig.in.channels
	if err := sig.in.agrees(s.Width, s.Height); err != nil {
		return nil, err
	}
	f := &File{Spec: s, Input: sig.input, Output: sig.output, Batch: sig.in.batch, data: onnx}
	if err := f.seal(); err != nil {
		return nil, err
	}
	return f, f.vet(m)
}

// Bytes are the file's bytes as they were read or last written; not to be
// changed. A Spec changed since then is not in them.
func (f *File) Bytes() []byte { return f.data }

// seal puts Spec into the bytes.
func (f *File) seal() error {
	if err := f.Validate(); err != nil {
		return err
	}
	meta, err := f.encode()
	if err != nil {
		return err
	}
	f.data = setMetadata(f.data, meta)
	f.Hash, f.Plain = HashOf(f.data), false
	return nil
}

func unmarshalModel(data []byte) (*onnxpb.ModelProto, error) {
	if len(data) == 0 {
		return nil, errors.New("the file is empty: copy it again, or make one with faird train")
	}
	if err := vet.Scan(data); err != nil {
		return nil, err
	}
	m := new(onnxpb.ModelProto)
	err := proto.Unmarshal(data, m)
	const irVersionTag = 0x08 // how every exporter begins a file
	began := data[0] == irVersionTag
	switch {
	case err != nil && began:
		return nil, errors.New("the file is truncated or damaged: copy it again")
	case err != nil, !began && m.Graph == nil:
		return nil, errors.New("not an ONNX file: name a model made by faird train or exported as ONNX")
	case m.Graph == nil || len(m.OpsetImport) == 0:
		return nil, errors.New("the file ends before the network does: copy it again")
	}
	return m, nil
}

func metadata(m *onnxpb.ModelProto) (map[string]string, error) {
	meta := make(map[string]string, len(m.MetadataProps))
	for _, p := range m.MetadataProps {
		if _, twice := meta[p.GetKey()]; twice {
			return nil, fmt.Errorf("its metadata has %q twice: write the file again with faird train or faird calibrate", p.GetKey())
		}
		meta[p.GetKey()] = p.GetValue()
	}
	return meta, nil
}

// HashOf is the Hash of a file with these bytes.
func HashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
