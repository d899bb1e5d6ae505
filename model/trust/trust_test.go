package trust_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aead.dev/minisign"

	"faird/model/trust"
)

func pair(t *testing.T) (minisign.PublicKey, minisign.PrivateKey) {
	t.Helper()
	public, private, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}

func put(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCheck(t *testing.T) {
	public, private := pair(t)
	other, stranger := pair(t)
	data := bytes.Repeat([]byte("a model "), 1000)
	good := minisign.SignWithComments(private, data, "cap-7, line 3", "")
	tampered := bytes.Clone(data)
	tampered[4000] ^= 1
	for name, c := range map[string]struct {
		keys      trust.Keys
		data      []byte
		signature []byte // nil: none
		want      string // part of the error; "": trusted
	}{
		"good":              {trust.Keys{public}, data, good, ""},
		"one of two keys":   {trust.Keys{other, public}, data, good, ""},
		"no keys":           {nil, data, nil, ""},
		"missing":           {trust.Keys{public}, data, nil, "it is not signed"},
		"a stranger's":      {trust.Keys{public}, data, minisign.Sign(stranger, data), fmt.Sprintf("key %016X", stranger.ID())},
		"of another file":   {trust.Keys{public}, data, minisign.Sign(private, tampered), "not what was signed"},
		"tampered file":     {trust.Keys{public}, tampered, good, "not what was signed"},
		"tampered comment":  {trust.Keys{public}, data, bytes.Replace(good, []byte("line 3"), []byte("line 4"), 1), "not what was signed"},
		"the empty file":    {trust.Keys{public}, nil, good, "not what was signed"},
		"damaged signature": {trust.Keys{public}, data, good[:len(good)/2], "damaged"},
		"empty signature":   {trust.Keys{public}, data, []byte{}, "damaged"},
		"huge signature":    {trust.Keys{public}, data, make([]byte, 1<<20), "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			path := put(t, filepath.Join(t.TempDir(), "m.onnx"), c.data)
			if c.signature != nil {
				put(t, path+trust.Suffix, c.signature)
			}
			_, err := c.keys.Check(path, c.data)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (!errors.Is(err, trust.ErrUntrusted) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path)):
				t.Errorf("%v, to say %q and to name %s", err, c.want, path)
			}
		})
	}
}

func TestVerifyNamesTheSigner(t *testing.T) {
	public, private := pair(t)
	who, err := trust.Keys{public}.Verify("m.onnx", []byte("x"), minisign.SignWithComments(private, []byte("x"), "cap-7", ""))
	if err != nil || who.Comment != "cap-7" || who.Key != fmt.Sprintf("%016X", public.ID()) {
		t.Errorf("%+v, %v", who, err)
	}
}

func TestParse(t *testing.T) {
	a, _ := pair(t)
	b, _ := pair(t)
	file := func(k minisign.PublicKey) string {
		text, err := k.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		return string(text) + "\n"
	}
	for name, c := range map[string]struct {
		text string
		want int
		says string
	}{
		"one":          {file(a), 1, ""},
		"two":          {file(a) + "\n# the next one\r\n" + file(b), 2, ""},
		"a bare line":  {a.String() + "\n", 1, ""},
		"none":         {"untrusted comment: nothing\n", 0, "no public key"},
		"nothing":      {"", 0, "no public key"},
		"not a key":    {file(a) + "hello\n", 0, "is not a public key"},
		"a secret key": {"RWRTY0IyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", 0, "line 1"},
	} {
		keys, err := trust.Parse([]byte(c.text))
		if len(keys) != c.want || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %d keys, %v; want %d, %q", name, len(keys), err, c.want, c.says)
		}
	}
	if _, err := trust.Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	public, private, err := minisign.GenerateKey(nil)
	if err != nil {
		f.Fatal(err)
	}
	data := []byte("a model")
	good := minisign.Sign(private, data)
	f.Add(good)
	f.Add([]byte("untrusted comment: \n"))
	f.Fuzz(func(t *testing.T, signature []byte) {
		if _, err := (trust.Keys{public}).Verify("m.onnx", data, signature); err != nil {
			return
		}
		var got, want minisign.Signature
		if err := errors.Join(got.UnmarshalText(signature), want.UnmarshalText(good)); err != nil {
			t.Fatal(err)
		}
		if got.Signature != want.Signature || got.TrustedComment != want.TrustedComment {
			t.Errorf("trusted by %q", signature)
		}
	})
}
