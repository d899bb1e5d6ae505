// Package infer runs networks on ONNX Runtime: it finds and loads the library,
// picks the execution provider, warms up, and says what really runs. It never
// looks at a picture or a score, and never changes a graph.
package infer
