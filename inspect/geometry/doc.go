// Package geometry says which part of a camera's picture is inspected and how
// it is held: the way from camera pixels to the inspected picture and back, and
// how a large picture is cut into tiles. It is mathematics alone: it touches no
// pixel and knows neither OpenCV nor a model.
//
// Coordinates are continuous: the pixel in column x and row y covers x..x+1 and
// y..y+1, so that its centre lies at x+0.5, y+0.5. x grows to the right, y down.
package geometry
