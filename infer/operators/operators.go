package operators

// #cgo CFLAGS: -O3
// #include <stdlib.h>
// #include "operators.h"
// #include "kinds.h"
import "C"

import (
	"errors"
	"sync"
	"unsafe"
)

var adding sync.Mutex // the domain is made once

// Add makes the operators known to the session that options (OrtSessionOptions)
// will open; api is the library's table of functions (OrtApi).
func Add(api, options unsafe.Pointer) error {
	adding.Lock()
	defer adding.Unlock()
	why := C.faird_operators_add(api, options)
	if why == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(why))
	return errors.New(C.GoString(why))
}

// use has the operators compute as other kinds of processors do: 1 with AVX-512,
// 2 with AVX2, 3 with neither, 0 with the best there is. It says whether this
// processor can.
func use(kind int) bool { return C.faird_use(C.int(kind)) != 0 }
