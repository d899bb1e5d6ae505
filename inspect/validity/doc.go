// Package validity says whether a picture is worth a score: what is measured of
// it, what the good pictures of a calibration measured, and the limits that
// follow. It works on 8-bit pixels at the model's size and needs no OpenCV; it
// knows no model file's format and decides no verdict.
package validity
