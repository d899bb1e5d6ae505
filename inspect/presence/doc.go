// Package presence sees in the picture that a part enters: background
// subtraction inside a region (running average, share of foreground, hysteresis,
// debounce). It says once for each part that it is there; what becomes of that
// is its user's business. It judges no part.
package presence
