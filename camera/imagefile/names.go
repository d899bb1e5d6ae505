package imagefile

import (
	"path/filepath"
	"slices"
	"strings"
)

// Extensions are the endings of file names taken for images, in lower case.
var Extensions = []string{
	".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".tif", ".tiff", ".pgm", ".ppm", ".pbm", ".pnm", ".webp",
}

// HasImageName says whether a file's name is that of an image. Hidden files are
// none: that is how many programs name what they have not finished writing.
func HasImageName(name string) bool {
	name = filepath.Base(name)
	return !strings.HasPrefix(name, ".") && slices.Contains(Extensions, strings.ToLower(filepath.Ext(name)))
}
