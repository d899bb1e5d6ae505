package integrity

// partFault is what happens to the images of a multipart stream.
type partFault struct{ share float64 }
