// Package demo is the model of `faird demo`, embedded in the program: a network
// trained on good frames of the simulated line (camera/line). README.md says
// how it was made and what it is worth. It knows no other part, so it is for
// the demo and for tests only.
package demo

import _ "embed"

//go:embed demo.onnx
var file []byte

// Model is the model file's bytes, for model.Parse. They must not be changed.
func Model() []byte { return file }
