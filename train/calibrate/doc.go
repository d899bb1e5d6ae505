// Package calibrate gives a model its threshold from good pictures alone, with
// what so many pictures prove, and the golden samples that prove the model on
// another machine. It serves training and faird calibrate alike. It changes no
// weight, writes no file and prints nothing.
package calibrate
