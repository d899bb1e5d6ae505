// Package examine looks at a set of good images before a model learns from them:
// which of them show the same part, and which are unlike the others. It changes
// nothing, and knows no network.
package examine
