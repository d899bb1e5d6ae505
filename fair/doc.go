// Package fair is the paper (FAIR, arXiv 2309.07068) as far as it can be
// computed without a network: the transfer functions of its high-pass filters
// (eq. 1-6, sec. 5.4), the anomaly maps and the score (eq. 8-10), and the
// metrics it is judged by (sec. 4.2). Pictures are float32, BGR, planar, 0..1.
// It needs no OpenCV, runs no network, and reads no file; the filters
// themselves are applied by [faird/fair/highpass].
package fair
