package config

import (
	"fmt"
	"regexp"
)

// shelved is the name of a model in the folder of models: a file's, without .onnx.
var shelved = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)

func (k *checker) shadow(key string, s *Station) {
	switch {
	case s.Shadow == "":
	case !shelved.MatchString(s.Shadow):
		k.bad(key, fmt.Sprintf("%q is not the name of a model", s.Shadow), "put the file in the folder models of store.path, and name it here without .onnx")
	case len(s.Regions) > 0:
		k.bad(key, "goes with a station of one region", "take it out")
	}
}
