package mjpeg

import (
	"bytes"
	"testing"
	"testing/iotest"

	"faird/verdict"
)

// FuzzReader holds that any stream comes to an end within its limits, and that
// what is made of it does not depend on how the network cut it up.
func FuzzReader(f *testing.F) {
	a := picture(f, 7)
	for _, seed := range []string{
		sized(a), sized(a[:99]), "--frame\r\n\r\n" + string(a), "Content-Length: 3\n\nabc\n--b\n", "--frame--\r\n--frame\r\n\r\n",
		"--frame\r\nContent-Type: text/plain\r\n\r\nno\r\n--frame\r\nContent-Length: 9999\r\n\r\n", "\xff\xd8\xff\xd9", "--\r\n--\r\n",
	} {
		f.Add("multipart/x-mixed-replace; boundary=frame", []byte(seed+seed))
	}
	f.Add(`boundary="-`, []byte("--a\n\n\xff\xd8\xff\xd9--a"))
	f.Fuzz(func(t *testing.T, contentType string, stream []byte) {
		const most = 4 << 10
		got, end := all(t, NewReader(bytes.NewReader(stream), contentType, most))
		again, endAgain := all(t, NewReader(iotest.OneByteReader(bytes.NewReader(stream)), contentType, most))
		if !equal(got, again) || end.Error() != endAgain.Error() {
			t.Errorf("at once %q, %v; byte by byte %q, %v", got, end, again, endAgain)
		}
		for _, o := range got {
			if len(o.data) > most || (o.data == "") != (o.fault != "") || o.fault == verdict.Repeated {
				t.Errorf("part %q", o)
			}
		}
	})
}
