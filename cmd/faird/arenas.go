package main

// #include <malloc.h>
import "C"

import "os"

// arenas is how many heaps the C library may open for its threads. Of itself it
// opens eight for each core, and as calls into OpenCV, ONNX Runtime and SQLite
// come from any of Go's threads, each keeps its own room: docs/reliability.md has
// what that took. What runs once a picture allocates nothing, so none waits here.
const arenas = 2

// limitArenas is for a daemon, before its threads begin; MALLOC_ARENA_MAX wins.
func limitArenas() {
	if os.Getenv("MALLOC_ARENA_MAX") == "" {
		C.mallopt(C.M_ARENA_MAX, arenas)
	}
}
