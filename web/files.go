package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
)

//go:embed static
var static embed.FS

//go:embed openapi.yaml
var openapiFile []byte

// files are the page's, by address; only what is in this table is ever served.
type files struct{ byPath map[string]file }

type file struct {
	data []byte
	kind string
	etag string
}

func readFiles() (*files, error) {
	f := &files{byPath: map[string]file{}}
	err := fs.WalkDir(static, "static", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := static.ReadFile(name)
		f.byPath["/"+name] = newFile(name, data)
		return err
	})
	if page, ok := f.byPath["/static/index.html"]; ok {
		f.byPath["/"] = page
	}
	return f, err
}

func newFile(name string, data []byte) file {
	sum := sha256.Sum256(data)
	return file{data: data, kind: contentType(name), etag: `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// contentType does not ask the machine, whose table may lack one.
func contentType(name string) string {
	known := map[string]string{
		".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
		".mjs": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon",
		".woff2": "font/woff2", ".json": "application/json", ".webmanifest": "application/manifest+json",
	}
	if t, ok := known[path.Ext(name)]; ok {
		return t
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "text/plain; charset=utf-8"
}

func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	f, found := s.files.byPath[r.URL.Path]
	if !found {
		s.fail(w, r, notFound("there is no file %s", r.URL.Path))
		return
	}
	f.serve(w, r)
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-cache") // asked for again, and answered 304 while it is the same
	h.Set("ETag", f.etag)
	h.Set("Content-Type", f.kind)
	if r.Header.Get("If-None-Match") == f.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(f.data)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(f.data)
	}
}

func (s *Server) openapi(w http.ResponseWriter, r *http.Request) error {
	f := newFile("openapi.yaml", openapiFile)
	f.kind = "application/yaml"
	f.serve(w, r)
	return nil
}
