package config

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"image"
	"image/png"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
)

// certificate makes one that signs itself, and its key, in PEM form.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, data []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}))
	}
	return block("CERTIFICATE", der), block("EC PRIVATE KEY", secret)
}

func picture(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 4, 4))); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const checked = `infer: {library: ./lib.so}
store: {path: data}
mqtt:
  broker: ssl://plant
  tls:
    ca: ca.pem
    cert: c.pem
    key: k.pem
stations:
- {name: cap, camera: {url: "demo://"}, model: cap.onnx, ignore_mask: cap.png}
`

func TestCheck(t *testing.T) {
	cert, key := certificate(t)
	other, _ := certificate(t)
	const where = "; put the file there, or correct the path (relative ones start at the config's folder)"
	for name, c := range map[string]struct {
		file, text string // what is put over the good files; text "" removes
		want       string
	}{
		"good":         {"more.txt", "x", ""},
		"no model":     {"cap.onnx", "", "faird.yaml:10: stations.cap.model: cap.onnx: no such file" + where},
		"empty model":  {"cap.onnx", "-", "faird.yaml:10: stations.cap.model: cap.onnx: empty" + where},
		"model folder": {"cap.onnx/x", "x", "faird.yaml:10: stations.cap.model: cap.onnx: not a file" + where},
		"no mask":      {"cap.png", "", "faird.yaml:10: stations.cap.ignore_mask: cap.png: no such file" + where},
		"broken mask":  {"cap.png", "GIF89a", "faird.yaml:10: stations.cap.ignore_mask: cap.png: not a PNG picture; save the mask as PNG, non-zero where pixels are ignored"},
		"no library":   {"lib.so", "", "faird.yaml:1: infer.library: lib.so: no such file" + where},
		"no ca":        {"ca.pem", "", "faird.yaml:6: mqtt.tls.ca: ca.pem: no such file" + where},
		"broken ca":    {"ca.pem", "x", "faird.yaml:6: mqtt.tls.ca: ca.pem: holds no certificate; give certificates in PEM form"},
		"no key":       {"k.pem", "", "faird.yaml:8: mqtt.tls.key: k.pem: no such file" + where},
		"other cert":   {"c.pem", other, "faird.yaml:7: mqtt.tls.cert: private key does not match public key; give a certificate and its own key, both in PEM form"},
		"store a file": {"data", "x", "faird.yaml:2: store.path: data: not a folder; name a folder"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{
				"faird.yaml": checked, "lib.so": "x", "ca.pem": cert, "c.pem": cert, "k.pem": key, "cap.onnx": "x", "cap.png": picture(t), c.file: c.text,
			} {
				if strings.HasPrefix(c.file, file+"/") || text == "" {
					continue
				}
				put(t, filepath.Join(dir, file), text)
			}
			if c.text == "-" {
				put(t, filepath.Join(dir, c.file), "")
			}
			loaded, err := Load(filepath.Join(dir, "faird.yaml"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := lines(t, loaded.Check()); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestCheckOfAConfigMadeByHand(t *testing.T) {
	c := Default()
	s := DefaultStation()
	s.Name, s.Model = "cap", "/no/such.onnx"
	c.Stations = []Station{s}
	const want = "stations[0].model: /no/such.onnx: no such file; put the file there, or correct the path (relative ones start at the config's folder)"
	if err := c.Check(); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	c.Stations[0].Model = DemoModel
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}
