// Package onnxpb holds the Go types of the ONNX file format, generated from
// the official schema. It never changes a graph; package model does.
package onnxpb
