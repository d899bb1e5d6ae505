// Package small is a trained network in float32 for tests and benchmarks: the
// simulated line's at c=16 and 192x192, which takes a seventh of the arithmetic
// of the demo's. It was the demo's model before; model/demo/README.md says how it
// was made and what it is worth.
package small

import _ "embed"

//go:embed small.onnx
var file []byte

// Model is the model file's bytes, for model.Parse. They must not be changed.
func Model() []byte { return file }
