package infer

import (
	"fmt"

	"faird/model/native"
)

// useOperators has the CPU compute the network's convolutions by our own
// operators, which take a fraction of the time of ONNX Runtime's.
func (s *Session) useOperators() error {
	if s.provider != CPU || s.fused {
		return nil
	}
	onnx, n, err := native.Rewrite(s.onnx)
	if err != nil {
		return fmt.Errorf("the network for this processor: %w", err)
	}
	s.onnx, s.operators = onnx, n
	return nil
}
