// Package operators has the layers of the restoration network as operators of our
// own, for ONNX Runtime's CPU provider: 3x3 convolutions by Winograd's minimal
// filtering, forward and both ways back, where ONNX Runtime's kernels follow the
// definition; batch norm with its ReLU in as few walks as there can be; what a
// network in 8 bits has in float32. They know nothing of networks; model/native
// and model/unet write graphs with them.
//
// Domain "faird", version 1; float32; pictures are [n, channels, h, w], any size:
//
//   - Conv3x3(x, weights [out, in, 3, 3], bias [out]?, skip?): zero padding of one
//     pixel; attribute relu=1 for a ReLU after the bias; then skip, of the
//     result's shape, is added. turned=1 takes weights [in, out, 3, 3] and gives
//     what the gradient of the result is to the input of their convolution.
//   - Conv3x3Weights(x, dy): the gradient of the weights.
//   - NormRelu(x, scale, bias), attribute epsilon: batch norm by the batch's own
//     mean and variance, then ReLU; gives y, mean and variance.
//   - NormReluBack(x, dy, scale, bias, mean, variance), attribute epsilon: the
//     gradients of x, scale and bias.
//
// Bytes are uint8 [n, h, w, channels], a byte q being (q - zero) * scale:
//
//   - Conv3x3ToBytes(x, weights, bias, scale, zero): of at most four channels, with
//     ReLU.
//   - DoubleBytes(x, scale, zero, scale', zero'): height and width doubled, bilinear,
//     corners aligned.
//   - Conv3x3FromBytes(x, scale, zero, weights, bias): to at most four channels.
package operators
