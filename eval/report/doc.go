// Package report writes the acceptance report of an evaluation: one HTML page
// with everything in it, to be read on a screen, printed and signed. It
// measures nothing itself.
package report
