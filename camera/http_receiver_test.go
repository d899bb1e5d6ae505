package camera

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"faird/camera/fault"
	"faird/camera/mjpeg"
	"faird/verdict"
)

// chunks is a stream that comes piece by piece, as the test sends it.
type chunks chan string

func (c chunks) Read(b []byte) (int, error) {
	text, ok := <-c
	if !ok {
		return 0, io.EOF
	}
	return copy(b, text), nil
}

func receiveChunks(t *testing.T) (*receiver, chunks) {
	t.Helper()
	stream := make(chunks)
	r := receive(context.Background(), mjpeg.NewReader(stream, "multipart/x-mixed-replace; boundary=frame", 1<<20), newRepeats())
	t.Cleanup(r.wait)
	return r, stream
}

// wantPart takes the next image and compares it and what was skipped.
func wantPart(t *testing.T, r *receiver, image []byte, images uint64, faults verdict.FaultCounts) {
	t.Helper()
	p, err := r.next(short(t, patience))
	if err != nil {
		t.Fatal(err)
	}
	if string(p.Data) != string(image) || p.skipped != (skipped{images, faults}) {
		t.Errorf("%d bytes (%v), skipped %+v; want %d bytes, %d %+v", len(p.Data), p.err, p.skipped, len(image), images, faults)
	}
}

// Whoever is slow gets the newest image, and the others are counted.
func TestReceiverKeepsTheNewest(t *testing.T) {
	r, stream := receiveChunks(t)
	for n := range uint64(6) {
		stream <- partOf(plainScene(t, n))
	}
	stream <- partOf([]byte("no image"))
	stream <- partOf(plainScene(t, 7)[:500])
	stream <- partOf(plainScene(t, 8))
	close(stream)
	r.wait()
	wantPart(t, r, plainScene(t, 8), 8, verdict.FaultCounts{Incomplete: 1})
	if _, err := r.next(short(t, patience)); err == nil || !strings.Contains(err.Error(), "ended the stream") {
		t.Errorf("%v", err)
	}
}

// What a network held up arrives in one go: only the last of it is new.
func TestReceiverCatchesUp(t *testing.T) {
	stream := make(chunks)
	r := &receiver{catchUp: patience, changed: make(chan struct{}, 1), done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.run(context.Background(), mjpeg.NewReader(stream, "", 1<<20), newRepeats())
	}()
	t.Cleanup(r.wait)
	two := partOf(plainScene(t, 1)) + partOf(plainScene(t, 2))
	half := len(two) * 3 / 4
	stream <- two[:half] // the first image and half of the second
	go func() {
		time.Sleep(20 * time.Millisecond) // next waits by now, or soon will
		stream <- two[half:]
		close(stream)
	}()
	wantPart(t, r, plainScene(t, 2), 1, verdict.FaultCounts{})
}

// One that does not come is not waited for.
func TestReceiverDoesNotWaitForEver(t *testing.T) {
	r, stream := receiveChunks(t)
	two := partOf(plainScene(t, 1)) + partOf(plainScene(t, 2))
	stream <- two[:len(two)*3/4]
	wantPart(t, r, plainScene(t, 1), 0, verdict.FaultCounts{})
	close(stream)
}

// A repetition does not take the place of the original, which arrived earlier.
func TestReceiverKeepsTheOriginal(t *testing.T) {
	r, stream := receiveChunks(t)
	stream <- partOf(plainScene(t, 1))
	stream <- partOf(plainScene(t, 1))
	stream <- "\r\n" // the second one was dealt with
	wantPart(t, r, plainScene(t, 1), 1, verdict.FaultCounts{Repeated: 1})
	stream <- partOf(plainScene(t, 1))
	p, err := r.next(short(t, patience))
	if err != nil || fault.Of(p.err) != verdict.Repeated {
		t.Errorf("%+v, %v", p, err)
	}
	close(stream)
}

func TestWithoutMetadata(t *testing.T) {
	a := plainScene(t, 1)
	bare := string(withoutMetadata(a))
	for name, image := range map[string]string{
		"comment":      "\xff\xd8\xff\xfe\x00\x06abcd" + string(a[2:]),
		"EXIF, a date": "\xff\xd8\xff\xe1\x00\x08Exif\x00\x00\xff\xfe\x00\x04ab" + string(a[2:]),
	} {
		if string(withoutMetadata([]byte(image))) != bare {
			t.Errorf("%s: not the same image", name)
		}
	}
	for _, image := range []string{"", "\xff\xd8", "\xff\xd8\xff\xfe", "\xff\xd8\xff\xfe\x00\x01", "\xff\xd8\xff\xe1\xff\xff12", "BM1234"} {
		if string(withoutMetadata([]byte(image))) != image {
			t.Errorf("%q was changed", image)
		}
	}
}
