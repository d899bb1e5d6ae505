package report

import (
	"bufio"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"time"

	"faird/eval"
	"faird/model"
)

//go:embed page.html style.css
var files embed.FS

var page = template.Must(template.New("page.html").Funcs(functions).ParseFS(files, "page.html"))

// Page is the name of the report's file.
const Page = "report.html"

// About says what was evaluated, where and when.
type About struct {
	Data     string // name of the data set
	Model    string // name of the model file
	File     *model.File
	Provider string
	Version  string // of faird
	Made     time.Time
}

// Write writes the report into a folder, which it makes, and returns the page's
// path. The pictures of e must have views.
func Write(dir string, a About, e *eval.Evaluation) (_ string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	path := filepath.Join(dir, Page)
	f, err := os.Create(path)
	if err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	w := bufio.NewWriter(f)
	if err := errors.Join(Render(w, a, e), w.Flush(), f.Close()); err != nil {
		return "", fmt.Errorf("report %s: %w", path, err)
	}
	return path, nil
}

// Render writes the page.
func Render(w io.Writer, a About, e *eval.Evaluation) error {
	v, err := newView(a, e)
	if err != nil {
		return err
	}
	return page.Execute(w, v)
}
