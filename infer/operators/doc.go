// Package operators has the convolutions of the restoration network as operators
// of our own, for ONNX Runtime's CPU provider, whose kernels follow the
// definition: 3x3 by Winograd's minimal filtering, forward and both ways back.
// They know nothing of networks; model/native writes graphs with them.
//
// Domain "faird", version 1; float32; pictures are [n, channels, h, w], any size:
//
//   - Conv3x3(x, weights [out, in, 3, 3], bias [out]?, skip?): zero padding of one
//     pixel; attribute relu=1 for a ReLU after the bias; then skip, of the
//     result's shape, is added. turned=1 takes weights [in, out, 3, 3] and gives
//     what the gradient of the result is to the input of their convolution.
//   - Conv3x3Weights(x, dy): the gradient of the weights.
package operators
