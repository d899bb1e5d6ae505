package web

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"faird/web/account"
)

// contract is openapi.yaml, for holding answers against it.
type contract struct {
	doc      map[string]any
	compiler *jsonschema.Compiler

	mu      sync.Mutex
	schemas map[string]*jsonschema.Schema
}

const contractURL = "file:///openapi.json"

var openapi = sync.OnceValues(func() (*contract, error) {
	var doc any
	if err := yaml.Unmarshal(openapiFile, &doc); err != nil {
		return nil, err
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := &contract{doc: value.(map[string]any), compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	c.compiler.AssertFormat()
	return c, c.compiler.AddResource(contractURL, value)
})

func readContract(t testing.TB) *contract {
	t.Helper()
	c, err := openapi()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// at follows keys, and references on the way; it returns where it ended too.
func (c *contract) at(keys ...string) (map[string]any, string) {
	node, path := c.doc, "#"
	for _, k := range keys {
		next, ok := node[k].(map[string]any)
		if !ok {
			return nil, ""
		}
		node, path = next, path+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(k)
		if ref, ok := node["$ref"].(string); ok {
			node, path = c.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		}
	}
	return node, path
}

func (c *contract) schema(t testing.TB, pointer string) *jsonschema.Schema {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.schemas[pointer]; s != nil {
		return s
	}
	s, err := c.compiler.Compile(contractURL + pointer)
	if err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	c.schemas[pointer] = s
	return s
}

func (c *contract) validate(t testing.TB, pointer string, body []byte) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = c.schema(t, pointer).Validate(value)
	}
	if err != nil {
		t.Errorf("%s: %v in %.600s", pointer, err, body)
	}
}

// operation finds the path of the file that a request's path is one of.
func (c *contract) operation(r *http.Request) string {
	paths := c.doc["paths"].(map[string]any)
	if _, ok := paths[r.URL.Path]; ok {
		return r.URL.Path
	}
	for p := range paths {
		a, b := strings.Split(p, "/"), strings.Split(r.URL.Path, "/")
		if len(a) == len(b) && slices.EqualFunc(a, b, func(x, y string) bool { return x == y || strings.HasPrefix(x, "{") }) {
			return p
		}
	}
	return ""
}

// check holds an answer against the file: its status must be named, its type
// too, and JSON must fit.
func (c *contract) check(t testing.TB, r *http.Request, resp *http.Response, body []byte) {
	t.Helper()
	path := c.operation(r)
	operation, _ := c.at("paths", path, strings.ToLower(r.Method))
	status := resp.StatusCode
	if operation == nil || status == http.StatusMisdirectedRequest || status == http.StatusRequestEntityTooLarge || status == http.StatusUnsupportedMediaType {
		return // what every path may answer is in the file's words, not its paths
	}
	if status == http.StatusForbidden && strings.Contains(string(body), `"csrf"`) || (status == http.StatusUnauthorized || status == http.StatusTooManyRequests) && r.Header.Get("Authorization") != "" {
		c.validate(t, "#/components/schemas/Error", body)
		return
	}
	answer, at := c.at("paths", path, strings.ToLower(r.Method), "responses", resp.Status[:3])
	if answer == nil {
		t.Errorf("%s %s answers %d, which openapi.yaml does not name: %.300s", r.Method, path, status, body)
		return
	}
	content, _ := answer["content"].(map[string]any)
	if content == nil {
		if len(body) > 0 {
			t.Errorf("%s %s answers %d with a body that openapi.yaml does not name: %.300s", r.Method, path, status, body)
		}
		return
	}
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	if _, ok := content[kind]; !ok {
		t.Errorf("%s %s answers %q, openapi.yaml has %v", r.Method, path, kind, slices.Collect(maps.Keys(content)))
		return
	}
	if kind == "application/json" {
		c.validate(t, at+"/content/application~1json/schema", body)
	}
}

func TestRoutesAndOpenAPIAreTheSame(t *testing.T) {
	c := readContract(t)
	var have, listed []string
	for _, r := range routes {
		have = append(have, r.method+" "+r.path)
	}
	for path, item := range c.doc["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			listed = append(listed, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(have)
	slices.Sort(listed)
	if !slices.Equal(have, listed) {
		t.Errorf("routes\n%s\nopenapi.yaml\n%s", strings.Join(have, "\n"), strings.Join(listed, "\n"))
	}
}

// What the file says of who may do what is what the routes ask for.
func TestRolesAreDocumented(t *testing.T) {
	c := readContract(t)
	for _, r := range routes {
		operation, _ := c.at("paths", r.path, strings.ToLower(r.method))
		summary, _ := operation["summary"].(string)
		for _, role := range []account.Role{account.Operator, account.Admin} {
			if says := strings.Contains(summary, "("+role.String()+")"); says != (r.need == role) {
				t.Errorf("%s %s needs %s, but its summary is %q", r.method, r.path, r.need, summary)
			}
		}
		answers, _ := operation["responses"].(map[string]any)
		if _, has := answers["401"]; r.need > account.None && !has {
			t.Errorf("%s %s needs %s, but has no answer 401", r.method, r.path, r.need)
		}
	}
}

func TestEverySchemaCompilesAndTheExamplesFit(t *testing.T) {
	c := readContract(t)
	schemas, _ := c.at("components", "schemas")
	for name, s := range schemas {
		c.schema(t, "#/components/schemas/"+name)
		if example, ok := s.(map[string]any)["example"]; ok {
			text, err := json.Marshal(example)
			if err != nil {
				t.Fatal(err)
			}
			c.validate(t, "#/components/schemas/"+name, text)
		}
	}
}
