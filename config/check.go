package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"strings"
)

// Check looks at the files and folders a loaded Config names: models, masks,
// certificates, the library. It opens them for reading and changes nothing.
// An error is of type Problems.
func (c *Config) Check() error {
	k := &checker{src: c.source}
	for _, p := range inputs(c) {
		k.file(p.at(k), *p.value)
	}
	if strings.Contains(c.Infer.Library, "/") {
		k.file("infer.library", c.Infer.Library)
	}
	k.folder("store.path", c.Store.Path)
	k.folder("infer.tensorrt.engine_cache", c.Infer.TensorRT.EngineCache)
	k.certificates("mqtt", c.MQTT.TLS)
	k.certificates("sparkplug", c.Sparkplug.TLS)
	k.keyPair("mqtt.builtin.tls.cert", c.MQTT.Builtin.TLS.Cert, c.MQTT.Builtin.TLS.Key)
	k.keyIsPrivate("mqtt.builtin.tls.key", c.MQTT.Builtin.TLS.Key)
	k.authority("mqtt.builtin.tls.client_ca", c.MQTT.Builtin.TLS.ClientCA)
	k.keyPair("web.tls.cert", c.Web.TLS.Cert, c.Web.TLS.Key)
	for i, s := range c.Stations {
		key := k.item("stations", i)
		k.mask(key+".ignore_mask", s.IgnoreMask, s.Camera.MaxPixels)
		for j, r := range s.Regions {
			k.mask(k.item(key+".regions", j)+".ignore_mask", r.IgnoreMask, s.Camera.MaxPixels)
		}
		k.references(key, &s)
	}
	return k.problems.err()
}

func (k *checker) file(key, path string) {
	if path == "" {
		return
	}
	if text := whyNotFile(path); text != "" {
		k.bad(key, path+": "+text, "put the file there, or correct the path (relative ones start at the config's folder)")
	}
}

// whyNotFile is empty for a file with something in it that can be read.
func whyNotFile(path string) string {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "no such file"
	case err != nil:
		return errors.Unwrap(err).Error()
	case !info.Mode().IsRegular():
		return "not a file"
	case info.Size() == 0:
		return "empty"
	}
	f, err := os.Open(path)
	if err != nil {
		return errors.Unwrap(err).Error()
	}
	_ = f.Close()
	return ""
}

func (k *checker) folder(key, path string) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		k.bad(key, path+": not a folder", "name a folder")
	}
}

func (k *checker) certificates(section string, t TLS) {
	k.authority(section+".tls.ca", t.CA)
	k.keyPair(section+".tls.cert", t.Cert, t.Key)
}

func (k *checker) authority(at, path string) {
	if path == "" {
		return
	}
	pem, err := os.ReadFile(path)
	if err == nil && !x509.NewCertPool().AppendCertsFromPEM(pem) {
		k.bad(at, path+": holds no certificate", "give certificates in PEM form")
	}
}

func (k *checker) keyPair(at, cert, key string) {
	if cert == "" || key == "" || whyNotFile(cert) != "" || whyNotFile(key) != "" {
		return
	}
	if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
		k.bad(at, strings.TrimPrefix(err.Error(), "tls: "), "give a certificate and its own key, both in PEM form")
	}
}

// mask reads the head of an ignore mask; inspect reads the rest.
func (k *checker) mask(key, path string, maxPixels int) {
	f, err := os.Open(path)
	if path == "" || err != nil {
		return
	}
	defer f.Close()
	if why := whyNotPNG(f, maxPixels); why != "" {
		k.bad(key, path+": "+why, "save the mask as PNG, non-zero where pixels are ignored")
	}
}
