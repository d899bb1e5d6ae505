package doctor

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"time"

	"faird/config"
)

// certificates looks at the files of a tls section of the config.
func certificates(section string, t config.TLS, now time.Time) (list []Finding) {
	for _, f := range []struct{ key, path string }{{"ca", t.CA}, {"cert", t.Cert}} {
		if f.path != "" {
			list = append(list, certificate(section+"."+f.key, f.path, now))
		}
	}
	if t.Key != "" {
		list = append(list, privateKey(section+".key", t.Key)...)
	}
	return list
}

// certificate looks at the one in a file that ends first.
func certificate(key, path string, now time.Time) Finding {
	data, err := os.ReadFile(path)
	if err != nil {
		return fail(key+": "+err.Error(), "make the file readable for faird, or name another")
	}
	var first *x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return fail(fmt.Sprintf("%s: %s: %v", key, path, err), "replace it")
		}
		if first == nil || c.NotAfter.Before(first.NotAfter) {
			first = c
		}
	}
	if first == nil {
		return fail(fmt.Sprintf("%s: %s holds no certificate", key, path), "it must be PEM, with -----BEGIN CERTIFICATE-----")
	}
	return expiry(fmt.Sprintf("%s: %s (%s)", key, path, first.Subject.CommonName), first, now)
}

// privateKey says nothing of a key that is readable to its owner and group alone.
func privateKey(key, path string) []Finding {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return []Finding{fail(key+": "+err.Error(), "make the file readable for faird, or name another")}
	case info.Mode().Perm()&0o007 != 0:
		return []Finding{warn(fmt.Sprintf("%s: %s can be read by every user", key, path), "chmod o-rwx "+path)}
	}
	return nil
}
