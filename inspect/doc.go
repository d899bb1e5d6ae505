// Package inspect is the one way from a picture to a score, a map and regions:
// region of interest, resize, high-pass, network, scoring. Everything that
// judges pictures goes through it. It takes no picture from a camera, applies
// no threshold, and publishes nothing.
package inspect
