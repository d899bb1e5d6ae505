// Package model is the model file: one ONNX file that carries, as metadata,
// everything needed to score with it: filter, size, scoring constants,
// calibration, golden samples. It reads, checks, rewrites and writes files; it
// never runs a network and never opens a picture beyond its header.
package model
