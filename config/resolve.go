package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// resolve makes the values usable from anywhere: absolute paths, secrets read,
// a name for the box, folders.
func (k *checker) resolve(c *Config) {
	if c.Box == "" {
		c.Box = hostName()
	}
	k.folders(c)
	for _, p := range paths(c) {
		*p.value = k.abs(*p.value)
	}
	k.src.remember(c.files())
	k.secret("mqtt", &c.MQTT.Password, c.MQTT.PasswordFile)
	k.secret("sparkplug", &c.Sparkplug.Password, c.Sparkplug.PasswordFile)
	for i := range c.MQTT.Builtin.Users {
		u := &c.MQTT.Builtin.Users[i]
		k.secret(k.item("mqtt.builtin.users", i), &u.Password, u.PasswordFile)
	}
}

// namedPath is a key that holds a path.
type namedPath struct {
	list  string // the list it is in, "" for none
	index int
	key   string
	value *string
	inner *innerItem // where the item is in a list of the item above
}

// innerItem is an item of a list within a list's item.
type innerItem struct {
	list  string
	index int
}

// at is the key's whole path.
func (p namedPath) at(k *checker) string {
	if p.list == "" {
		return p.key
	}
	item := k.item(p.list, p.index)
	if p.inner != nil {
		item = k.item(join(item, p.inner.list), p.inner.index)
	}
	return join(item, p.key)
}

// paths lists the keys whose values are paths relative to the config's folder.
func paths(c *Config) []namedPath {
	list := []namedPath{
		{key: "store.path", value: &c.Store.Path},
		{key: "web.users", value: &c.Web.Users},
		{key: "infer.tensorrt.engine_cache", value: &c.Infer.TensorRT.EngineCache},
	}
	if strings.Contains(c.Infer.Library, "/") { // else the loader's business
		list = append(list, namedPath{key: "infer.library", value: &c.Infer.Library})
	}
	return append(list, inputs(c)...)
}

// inputs are the files a config names, other than the library.
func inputs(c *Config) []namedPath {
	list := []namedPath{
		{key: "trust.keys", value: &c.Trust.Keys},
		{key: "mqtt.password_file", value: &c.MQTT.PasswordFile},
		{key: "sparkplug.password_file", value: &c.Sparkplug.PasswordFile},
		{key: "sparkplug.tls.ca", value: &c.Sparkplug.TLS.CA},
		{key: "sparkplug.tls.cert", value: &c.Sparkplug.TLS.Cert},
		{key: "sparkplug.tls.key", value: &c.Sparkplug.TLS.Key},
		{key: "mqtt.tls.ca", value: &c.MQTT.TLS.CA},
		{key: "mqtt.tls.cert", value: &c.MQTT.TLS.Cert},
		{key: "mqtt.tls.key", value: &c.MQTT.TLS.Key},
		{key: "mqtt.builtin.tls.cert", value: &c.MQTT.Builtin.TLS.Cert},
		{key: "mqtt.builtin.tls.key", value: &c.MQTT.Builtin.TLS.Key},
		{key: "mqtt.builtin.tls.client_ca", value: &c.MQTT.Builtin.TLS.ClientCA},
		{key: "web.tls.cert", value: &c.Web.TLS.Cert},
		{key: "web.tls.key", value: &c.Web.TLS.Key},
	}
	for i := range c.MQTT.Builtin.Users {
		list = append(list, namedPath{list: "mqtt.builtin.users", index: i, key: "password_file", value: &c.MQTT.Builtin.Users[i].PasswordFile})
	}
	for i := range c.Stations {
		list = append(list, stationInputs(i, &c.Stations[i])...)
	}
	return list
}

func stationInputs(i int, s *Station) []namedPath {
	var list []namedPath
	add := func(key string, value *string, inner *innerItem) {
		if key != "model" || *value != DemoModel {
			list = append(list, namedPath{"stations", i, key, value, inner})
		}
	}
	add("ignore_mask", &s.IgnoreMask, nil)
	add("model", &s.Model, nil)
	if s.Align != nil {
		add("align.reference", &s.Align.Reference, nil)
	}
	for j := range s.Regions {
		at := &innerItem{"regions", j}
		add("ignore_mask", &s.Regions[j].IgnoreMask, at)
		add("model", &s.Regions[j].Model, at)
	}
	return list
}

// abs resolves a path against the config's folder, or the working one without a file.
func (k *checker) abs(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	if k.src.path == "" {
		return absolute(path)
	}
	return filepath.Join(filepath.Dir(k.src.path), path)
}

// folders fills in what the file leaves to its surroundings.
func (k *checker) folders(c *Config) {
	if c.Store.Path == "" {
		c.Store.Path = k.src.variable("STATE_DIRECTORY", "faird-data")
	}
	if c.Web.Users == "" {
		c.Web.Users = filepath.Join(c.Store.Path, "users.json")
	}
	switch cache := &c.Infer.TensorRT.EngineCache; *cache {
	case "":
		*cache = filepath.Join(k.src.variable("CACHE_DIRECTORY", c.Store.Path), "tensorrt")
	case noCache:
		*cache = ""
	}
}

// variable reads a folder that systemd names; of several the first.
func (s *source) variable(name, otherwise string) string {
	for _, line := range s.env() {
		if value, ok := strings.CutPrefix(line, name+"="); ok && value != "" {
			first, _, _ := strings.Cut(value, ":")
			return first
		}
	}
	return otherwise
}

// secret reads a password's file.
func (k *checker) secret(section string, value *Secret, path string) {
	key := section + ".password_file"
	switch {
	case path == "":
		if *value != "" && k.src.path != "" && k.src.origin(section+".password").Env == "" {
			k.private(section+".password", k.src.path)
		}
		return
	case *value != "":
		k.bad(key, "given beside password", "take one of the two out")
		return
	}
	text, err := ReadSecret(path)
	if err != nil {
		k.bad(key, err.Error(), "put the password into this file, readable to faird alone")
		return
	}
	*value = Secret(text)
	k.private(key, path)
}

// private warns of a file with a secret that everyone can read.
func (k *checker) private(key, path string) {
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o004 != 0 {
		k.warn(key, fmt.Sprintf("%s holds a secret and can be read by every user", path), "chmod o-r it")
	}
}

var notInHost = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// hostName is the host's name without its domain, fit for a topic.
func hostName() string {
	name, _ := os.Hostname()
	name, _, _ = strings.Cut(name, ".")
	if name = notInHost.ReplaceAllString(name, "-"); name == "" {
		return "box"
	}
	return name
}
