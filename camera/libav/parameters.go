package libav

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// parameterSets reads extradata: Annex B, or the configuration record of MP4 and
// Matroska (ISO/IEC 14496-15, avcC and hvcC), which also tells the framing of the
// access units.
func parameterSets(codec string, data []byte) (framing, [][]byte, error) {
	switch {
	case len(data) == 0:
		return annexB, nil, nil
	case bytes.HasPrefix(data, startCode), bytes.HasPrefix(data, []byte{0, 0, 0, 1}):
		nals, err := splitAnnexB(data)
		return annexB, nals, err
	case codec == "h264" && len(data) > 6 && data[0] == 1:
		r := record{data: data[5:]}
		nals := append(r.nals(int(r.byte()&31)), r.nals(int(r.byte()))...)
		return framing(data[4]&3 + 1), nals, r.err
	case codec == "hevc" && len(data) > 22 && data[0] <= 1:
		r := record{data: data[22:]}
		var nals [][]byte
		for range r.byte() {
			r.byte() // type
			nals = append(nals, r.nals(r.word())...)
		}
		return framing(data[21]&3 + 1), nals, r.err
	}
	return annexB, nil, nil // something else that a container keeps
}

var errRecord = errors.New("the stream's parameter sets (extradata) are broken")

type record struct {
	data []byte
	err  error
}

func (r *record) bytes(n int) []byte {
	if n > len(r.data) {
		r.err, r.data = errRecord, nil
		return make([]byte, min(n, 2))
	}
	out := r.data[:n]
	r.data = r.data[n:]
	return out
}

func (r *record) byte() byte { return r.bytes(1)[0] }
func (r *record) word() int  { return int(binary.BigEndian.Uint16(r.bytes(2))) }

// nals reads n NAL units, each after its length in two bytes.
func (r *record) nals(n int) (out [][]byte) {
	for range n {
		nal := r.bytes(r.word())
		if r.err != nil {
			return nil
		}
		if len(nal) > 0 {
			out = append(out, nal)
		}
	}
	return out
}

// raw is a parameter set as it came.
type raw []byte

func (r raw) nal() []byte { return r }

// inForce appends the parameter sets of a table that have come.
func inForce[S interface {
	comparable
	nal() []byte
}](out [][]byte, table []S) [][]byte {
	var none S
	for _, s := range table {
		if s != none {
			out = append(out, s.nal())
		}
	}
	return out
}
