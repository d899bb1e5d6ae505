// Package eval proves how well a model judges: it runs a labelled folder of
// pictures through inspect, the way the daemon does, and works out the paper's
// metrics and the two error rates with exact intervals. It changes no model,
// chooses no threshold, and prints nothing; package report makes the page of it.
package eval
