// Package train makes a model from good pictures alone: it reads them, makes
// synthetic defects, keeps the training graph fed, and turns the result into a
// finished model file. How a step is made is [faird/train/fit]'s business, how a
// defect looks [faird/train/defect]'s; it never reads a camera.
package train
