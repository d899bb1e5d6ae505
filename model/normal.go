package model

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"faird/fair"
)

// normal is keyNormal's value. Values are 32-bit floats, little-endian, in base64:
// for each term (gradient, lightness, colour) the means of all cells, row by row,
// then their spreads.
type normal struct {
	W      int    `json:"w"`
	H      int    `json:"h"`
	Values string `json:"values"`
}

func encodeNormal(n *fair.Normal) string {
	var raw []byte
	for t := range fair.Terms {
		for _, list := range [][]float32{n.Mean[t], n.Std[t]} {
			for _, v := range list {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
			}
		}
	}
	text, _ := json.Marshal(normal{n.W, n.H, base64.StdEncoding.EncodeToString(raw)}) // numbers and a text cannot fail
	return string(text)
}

// decodeNormal is nil for no text.
func decodeNormal(text string) (*fair.Normal, error) {
	if text == "" {
		return nil, nil
	}
	var n normal
	if err := unmarshal(map[string]string{keyNormal: text}, keyNormal, &n); err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(n.Values)
	cells := n.W * n.H
	if err != nil || n.W < 1 || n.H < 1 || n.W > fair.MaxCells || n.H > fair.MaxCells || len(raw) != 8*fair.Terms*cells {
		return nil, fmt.Errorf("%s: %d bytes are not the values of %dx%d cells: run faird calibrate", keyNormal, len(raw), n.W, n.H)
	}
	out := &fair.Normal{W: n.W, H: n.H}
	take := func() []float32 {
		list := make([]float32, cells)
		for i := range list {
			list[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		raw = raw[4*cells:]
		return list
	}
	for t := range fair.Terms {
		out.Mean[t], out.Std[t] = take(), take()
	}
	return out, nil
}
