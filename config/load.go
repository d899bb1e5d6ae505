package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"
)

// maxFile is far above any config and far below what would hurt to read.
const maxFile = 4 << 20

// Places are where Find looks.
var Places = []string{"faird.yaml", "/etc/faird/faird.yaml"}

// Find gives the first config file that exists where one is expected.
func Find() (string, error) {
	for _, path := range Places {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no config file: neither ./%s nor %s exists; give one with --config", Places[0], Places[1])
}

// Load reads the file at path ("": none, defaults alone), lays the FAIRD_
// variables of env (as os.Environ gives them) over it, resolves relative paths
// against the file's folder, reads the files of secrets, and checks every
// value. An error is of type Problems and holds everything that is wrong.
// Files the config names, other than secrets, are looked at by Check alone.
func Load(path string, env []string) (*Config, error) {
	c, err := load(path, env)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// load is Load, but gives what could be read of a bad config too.
func load(path string, env []string) (*Config, error) {
	src := &source{shown: path, env: func() []string { return env }, origins: map[string]Origin{}, items: map[string][]string{}}
	r := &reader{src: src}
	file := map[string]any{}
	if path != "" {
		src.path = absolute(path)
		src.files = fingerprints([]string{src.path})
		doc, err := parse(path)
		if err != nil {
			return nil, err
		}
		file = r.section(doc, configType, "")
	}
	over := r.environment(env, file)
	cfg, err := layer(file, over)
	if err != nil {
		return nil, err
	}
	cfg.source = src
	k := &checker{src: src, problems: r.problems}
	k.resolve(cfg)
	cfg.learn()
	k.rules(cfg)
	src.warnings = k.warnings
	return cfg, k.problems.err()
}

// layer lays the environment over the file over the defaults.
func layer(file, over map[string]any) (*Config, error) {
	station := values(reflect.ValueOf(DefaultStation()))
	for _, s := range lookup(file, "stations") {
		fillStation(s.(map[string]any), station)
	}
	v := viper.New()
	for key, value := range values(reflect.ValueOf(Default())) {
		v.SetDefault(key, value)
	}
	if err := errors.Join(v.MergeConfigMap(file), v.MergeConfigMap(over)); err != nil {
		return nil, fmt.Errorf("layer config: %w", err)
	}
	cfg := new(Config)
	strict := func(d *mapstructure.DecoderConfig) { d.WeaklyTypedInput = false }
	if err := v.UnmarshalExact(cfg, strict); err != nil {
		return nil, fmt.Errorf("decode config: %w", err)
	}
	return cfg, nil
}

func fillStation(s, defaults map[string]any) {
	fill(s, defaults)
	if align, ok := s["align"].(map[string]any); ok {
		fill(align, values(reflect.ValueOf(DefaultAlign())))
	}
	regions, _ := s["regions"].([]any)
	for _, r := range regions {
		fill(r.(map[string]any), values(reflect.ValueOf(DefaultRegion())))
	}
}

// parse reads a file's one YAML document.
func parse(path string) (*yaml.Node, error) {
	data, err := readFile(path, maxFile)
	if err != nil {
		return nil, Problems{{Origin: Origin{File: path}, Text: err.Error(), Fix: "give the config's path with --config"}}
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	doc, next := new(yaml.Node), new(yaml.Node)
	if err := d.Decode(doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, syntaxError(path, err)
	}
	switch err := d.Decode(next); {
	case err == nil:
		return nil, Problems{{Origin: Origin{File: path, Line: next.Line}, Text: "a second document begins", Fix: "take out the --- line"}}
	case !errors.Is(err, io.EOF):
		return nil, syntaxError(path, err)
	}
	return doc.Content[0], nil
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?((?s).*)$`)

func syntaxError(path string, err error) error {
	m := yamlLine.FindStringSubmatch(err.Error())
	line, _ := strconv.Atoi(m[1])
	return Problems{{Origin: Origin{File: path, Line: line}, Text: "not YAML: " + m[2], Fix: "look at the lines around it"}}
}

// readFile reads a regular file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, errors.New("no such file")
	case err != nil:
		return nil, fmt.Errorf("cannot be read: %w", errors.Unwrap(err))
	case !info.Mode().IsRegular():
		return nil, errors.New("not a file")
	case info.Size() > limit:
		return nil, fmt.Errorf("larger than %s", Bytes(limit))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", errors.Unwrap(err))
	}
	return data, nil
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
