package imagefile

// Extensions are the endings of the names of files that are read as images, in
// lower case. Which files of a folder count is up to package imagefolder.
var Extensions = []string{
	".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".tif", ".tiff", ".pgm", ".ppm", ".pbm", ".pnm", ".webp",
}
