// Package fourier multiplies the spectra of real pictures by a transfer
// function: forward transform, product, inverse transform in one call, on one
// core and without allocating. What the transfer function is, [faird/fair] says.
//
// Only the half of the spectrum that a real picture needs is computed: the left
// half of the columns travels as real parts, the right half as imaginary parts.
// The transforms are Stockham's (in order, no bit reversal), of many columns side
// by side, so that their inner loops are plain ones over neighbouring numbers.
package fourier
