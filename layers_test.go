// Package faird_test holds what is true of the whole tree: who may import whom.
package faird_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module = "faird"
	opencv = "gocv.io/x/gocv"
)

// rules say which top-level folder may import which. Paths are relative to the
// module, whose own path is the prefix of imports inside it.
type rules struct {
	layers [][]string          // top first; an import goes down, never up or sideways
	only   map[string][]string // outside the layers: may be imported by these alone, import nothing of the project
	free   map[string]bool     // above everything: import anything, are imported by nobody
	bare   []string            // packages without OpenCV, however far down; with "/..." and all below
}

var faird = rules{
	layers: [][]string{
		{"cmd"},
		{"web"},
		{"pipeline", "train", "eval"},
		{"inspect"},
		{"infer", "camera", "publish", "store"},
		{"model"},
		{"fair", "config", "verdict"},
	},
	only: map[string][]string{"systemd": {"cmd", "pipeline"}},
	free: map[string]bool{"bench": true, "deploy": true},
	bare: []string{"fair", "model/...", "infer/...", "train/fit/..."},
}

func TestImportsRunOneWay(t *testing.T) {
	tree, _, err := imports(".")
	if err != nil {
		t.Fatal(err)
	}
	if len(tree) < 5 {
		t.Fatalf("%d packages found, so the tree was not read", len(tree))
	}
	for _, violation := range faird.check(tree) {
		t.Error(violation)
	}
}

// The tests of infer run on a bare GPU machine too. Elsewhere tests may import
// what they like: a graph is best tested on a runtime.
func TestInferIsTestedWithoutOpenCV(t *testing.T) {
	tree, tests, err := imports(".")
	if err != nil {
		t.Fatal(err)
	}
	if tests["infer"] == nil {
		t.Fatal("infer has no tests")
	}
	for pkg, more := range tests {
		if top(pkg) != "infer" {
			continue
		}
		if way := reaches(tree, "infer's tests", nil, more...); way != nil {
			t.Error(strings.Join(way, " > "))
		}
	}
}

func TestCheckerFindsViolations(t *testing.T) {
	for _, c := range []struct {
		name string
		tree map[string][]string
		want string // part of the one violation; "" is none
	}{
		{"downwards", map[string][]string{"cmd/faird": {"faird/pipeline"}, "pipeline": {"faird/store", "faird/verdict"}}, ""},
		{"within a folder", map[string][]string{"camera": {"faird/camera/line"}, "camera/line": nil}, ""},
		{"upwards", map[string][]string{"fair": {"faird/model"}}, "fair imports model"},
		{"sideways", map[string][]string{"store": {"faird/publish"}}, "store imports publish"},
		{"sideways below", map[string][]string{"eval/report": {"faird/train/fit"}}, "eval/report imports train/fit"},
		{"systemd from where it may", map[string][]string{"pipeline": {"faird/systemd"}}, ""},
		{"systemd from elsewhere", map[string][]string{"camera": {"faird/systemd"}}, "camera imports systemd"},
		{"systemd importing", map[string][]string{"systemd": {"faird/config"}}, "systemd imports config"},
		{"bench importing", map[string][]string{"bench": {"faird/cmd/faird", "faird/systemd"}}, ""},
		{"bench imported", map[string][]string{"cmd/faird": {"faird/bench"}}, "cmd/faird imports bench"},
		{"unknown folder", map[string][]string{"util": nil}, "util has no layer"},
		{"unknown import", map[string][]string{"cmd/faird": {"faird/util"}}, "cmd/faird imports util"},
		{"OpenCV where it may", map[string][]string{"fair/highpass": {opencv}, "inspect": {opencv}}, ""},
		{"OpenCV in fair", map[string][]string{"fair": {opencv}}, "fair reaches OpenCV: fair > " + opencv},
		{"OpenCV below infer", map[string][]string{"infer": {"faird/fair/highpass"}, "fair/highpass": {opencv + "/contrib"}}, "infer > fair/highpass > " + opencv},
		{"OpenCV far below", map[string][]string{"train/fit/x": {"faird/model"}, "model": {"faird/fair/a"}, "fair/a": {"faird/fair/b"}, "fair/b": {opencv}}, "model > fair/a > fair/b > " + opencv},
		{"another module of like name", map[string][]string{"fair": {"fairdata/cmd", "gocv.io/x/gocvs"}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(faird.check(c.tree), "\n")
			if !strings.Contains(got, c.want) || (c.want == "" && got != "") {
				t.Errorf("violations %q, want %q", got, c.want)
			}
		})
	}
}

// imports reads what every package below root and what its tests import, under
// every build tag, keyed by the package's path below root.
func imports(root string) (tree, tests map[string][]string, err error) {
	tree, tests = map[string][]string{}, map[string][]string{}
	err = filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && name != root && (e.Name() == "testdata" || strings.HasPrefix(e.Name(), ".")) {
			return fs.SkipDir
		}
		pkg := filepath.ToSlash(filepath.Dir(name))
		if e.IsDir() || path.Ext(name) != ".go" || pkg == "." {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		into := tree
		if strings.HasSuffix(name, "_test.go") {
			into = tests
		}
		into[pkg] = append(into[pkg], paths(file)...)
		return nil
	})
	return tree, tests, err
}

func paths(file *ast.File) []string {
	out := make([]string, 0, len(file.Imports))
	for _, i := range file.Imports {
		out = append(out, strings.Trim(i.Path.Value, "`\""))
	}
	return out
}

// check returns one line for each import that the rules forbid.
func (r rules) check(tree map[string][]string) []string {
	var out []string
	for _, from := range slices.Sorted(maps.Keys(tree)) {
		if !r.known(top(from)) {
			out = append(out, from+" has no layer: add its folder to layers_test.go and the design")
		}
		for _, path := range slices.Compact(slices.Sorted(slices.Values(tree[from]))) {
			if to, ok := inside(path); ok && !r.allows(top(from), top(to)) {
				out = append(out, fmt.Sprintf("%s imports %s: imports run one way, %v", from, to, r.layers))
			}
		}
		if way := reaches(tree, from, nil, tree[from]...); way != nil && r.isBare(from) {
			out = append(out, from+" reaches OpenCV: "+strings.Join(way, " > "))
		}
	}
	return out
}

func (r rules) allows(from, to string) bool {
	switch {
	case from == to:
		return true
	case r.free[from]:
		return true
	case r.only[from] != nil || r.free[to]:
		return false
	case r.only[to] != nil:
		return slices.Contains(r.only[to], from)
	}
	return r.known(to) && r.layer(from) < r.layer(to)
}

// layer counts from the top; -1 is none.
func (r rules) layer(folder string) int {
	return slices.IndexFunc(r.layers, func(l []string) bool { return slices.Contains(l, folder) })
}

func (r rules) known(folder string) bool {
	return r.layer(folder) >= 0 || r.only[folder] != nil || r.free[folder]
}

func (r rules) isBare(pkg string) bool {
	return slices.ContainsFunc(r.bare, func(b string) bool {
		below, all := strings.CutSuffix(b, "/...")
		return pkg == below || (all && strings.HasPrefix(pkg, below+"/"))
	})
}

// reaches returns a way from pkg over its imports to OpenCV, nil where there is
// none; seen are the packages on the way here.
func reaches(tree map[string][]string, pkg string, seen []string, imports ...string) []string {
	if slices.Contains(seen, pkg) {
		return nil
	}
	for _, path := range imports {
		if path == opencv || strings.HasPrefix(path, opencv+"/") {
			return []string{pkg, opencv}
		}
		if to, ok := inside(path); ok {
			if way := reaches(tree, to, append(seen, pkg), tree[to]...); way != nil {
				return append([]string{pkg}, way...)
			}
		}
	}
	return nil
}

func inside(path string) (string, bool) { return strings.CutPrefix(path, module+"/") }

func top(pkg string) string {
	folder, _, _ := strings.Cut(pkg, "/")
	return folder
}
