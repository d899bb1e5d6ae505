package config

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// station is a good station with more keys.
func station(more string) string {
	return "stations:\n- name: cap\n  model: demo\n  camera: {url: 'demo://'}\n  " + more + "\n"
}

func TestProblems(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"near miss":          {"mqtt:\n  brokr: x", `faird.yaml:2: mqtt.brokr: unknown key; did you mean broker?`},
		"elsewhere":          {"broker: x", `faird.yaml:1: broker: unknown key; did you mean mqtt.broker?`},
		"in a station":       {station("treshold: 0.1"), `faird.yaml:5: stations.cap.treshold: unknown key; did you mean threshold?`},
		"no idea":            {"log: {zzz: 1}", `faird.yaml:1: log.zzz: unknown key; keys here are level, format`},
		"upper case":         {"Site: a", `faird.yaml:1: Site: unknown key; did you mean site?`},
		"twice":              {"site: a\nbox: b\nsite: c", `faird.yaml:3: site: already given in line 1; take one out`},
		"missing space":      {"mqtt: {password:hunter2}", `faird.yaml:1: mqtt.password: no space after the colon; write password: value`},
		"section":            {"log: debug", `faird.yaml:1: log: not a section; write keys and values under it: level, format`},
		"not a list":         {"stations: {name: a}", `faird.yaml:1: stations: not a list; begin each item with a dash: - name: …`},
		"item":               {"stations: [cap]", "faird.yaml:1: stations[0]: not a section; write keys and values under it: name, camera, trigger, model, threshold, review, roi, ignore_mask, rotate, flip, tiles, align, regions, validity, drift, shadow, on_storage, ack, handshake\nfaird.yaml:1: stations[0].name: missing; give a name: it is part of every MQTT topic\nfaird.yaml:1: stations[0].camera.url: missing; say where pictures come from, such as v4l2:///dev/video0 or demo://\nfaird.yaml:1: stations[0].model: missing; name a model file (faird train makes one), or demo"},
		"list for value":     {"site: [a]", `faird.yaml:1: site: a list or section, but one value is wanted; write a text`},
		"section for a size": {"store: {max_bytes: {a: 1}}", `faird.yaml:1: store.max_bytes: a list or section, but one value is wanted; write a size, such as 2GiB`},
		"list for a time":    {"mqtt: {timeout: [1s]}", `faird.yaml:1: mqtt.timeout: a list or section, but one value is wanted; write a duration, such as 2s`},
		"list for a bool":    {"mqtt: {commands: []}", `faird.yaml:1: mqtt.commands: a list or section, but one value is wanted; write true or false`},
		"list for a number":  {"infer: {threads: []}", `faird.yaml:1: infer.threads: a list or section, but one value is wanted; write a number`},
		"user without name":  {"mqtt: {builtin: {users: [{password: abcdefghij}]}}", `faird.yaml:1: mqtt.builtin.users[0].name: missing; name the user`},
		"not a bool":         {"mqtt: {commands: yes}", `faird.yaml:1: mqtt.commands: "yes" is neither true nor false; write true or false, without quotes`},
		"not an integer":     {"infer: {threads: 2.5}", `faird.yaml:1: infer.threads: "2.5" is not a whole number; write digits alone, such as 4`},
		"not a number":       {station("threshold: high"), `faird.yaml:5: stations.cap.threshold: "high" is not a number; write a number, such as 0.14`},
		"infinite":           {station("threshold: .inf"), `faird.yaml:5: stations.cap.threshold: ".inf" is not a number; write a number, such as 0.14`},
		"no unit":            {"mqtt: {timeout: 5}", `faird.yaml:1: mqtt.timeout: 5 has no unit; write 5s, 5ms or the like`},
		"not a duration":     {"mqtt: {timeout: soon}", `faird.yaml:1: mqtt.timeout: "soon" is not a duration; write a number and a unit, such as 500ms, 2s or 720h`},
		"negative time":      {"mqtt: {timeout: -1s}", `faird.yaml:1: mqtt.timeout: -1s is out of range; give a duration above 0, such as 2s`},
		"keep alive":         {"mqtt: {keep_alive: 20h}", `faird.yaml:1: mqtt.keep_alive: 20h0m0s is out of range; give 1s to 18h`},
		"unit of size":       {"store: {max_bytes: 2G}", `faird.yaml:1: store.max_bytes: "G" is not a unit of size; write a number and a unit, such as 500MB or 2GiB`},
		"negative size":      {"store: {max_bytes: -2GB}", `faird.yaml:1: store.max_bytes: "-2GB" is out of range; write a number and a unit, such as 500MB or 2GiB`},
		"little store":       {"store: {max_bytes: 2kB}", `faird.yaml:1: store.max_bytes: 2kB is too little; give the database at least 1MB`},
		"negative":           {"infer: {threads: -1}", `faird.yaml:1: infer.threads: -1 is out of range; give 0 or more`},
		"provider":           {"infer: {provider: gpu}", `faird.yaml:1: infer.provider: "gpu" is not known here; did you mean cpu?`},
		"provider 2":         {"infer: {provider: openvino}", `faird.yaml:1: infer.provider: "openvino" is not known here; choose auto, cpu, cuda or tensorrt`},
		"strict auto":        {"infer: {strict: true}", `faird.yaml:1: infer.strict: true, but infer.provider is auto; name the provider that must run: cpu, cuda or tensorrt`},
		"log level":          {"log:\n  level: verbose", `faird.yaml:2: log.level: "verbose" is not known here; choose trace, debug, info, warn or error`},
		"site":               {"site: plant/1", `faird.yaml:1: site: "plant/1" cannot be used in MQTT topics: '/'; use letters, digits, - _ and .`},
		"empty site":         {"site: ''", `faird.yaml:1: site: missing; give a name: it is part of every MQTT topic`},
		"plus":               {"stations: [{name: a+b, model: demo, camera: {url: 'demo://'}}]", `faird.yaml:1: stations[0].name: "a+b" cannot be used in MQTT topics: '+'; use letters, digits, - _ and .`},
		"reserved":           {"stations:\n- name: last\n  model: demo\n  camera: {url: 'demo://'}", `faird.yaml:2: stations.last.name: "last" is a topic of faird's own; choose another name`},
		"dot":                {"box: .a", `faird.yaml:1: box: ".a" begins with a dot; begin with a letter or digit`},
		"long":               {"box: " + strings.Repeat("a", 65), `faird.yaml:1: box: 65 bytes are too long a name; use 64 at most`},
		"two stations":       {"stations:\n- &a {name: cap, model: demo, camera: {url: 'demo://'}}\n- *a", `faird.yaml:2: stations[1].name: there are two stations "cap"; give each its own name`},
		"review":             {station("threshold: 0.2\n  review: 0.3"), `faird.yaml:6: stations.cap.review: 0.3 is above threshold 0.2; lower review, or raise threshold`},
		"nought":             {station("threshold: 0"), `faird.yaml:5: stations.cap.threshold: 0 is out of range; give a score above 0, such as 0.14`},
		"roi outside":        {station("roi: {x: -1, y: 0, w: 10, h: 10}"), `faird.yaml:5: stations.cap.roi: starts at -1,0, outside the picture; give x and y of 0 or more, in camera pixels`},
		"roi empty":          {station("roi: {x: 1, y: 0, w: 10}"), `faird.yaml:5: stations.cap.roi: 10x0 pixels hold no picture; give w and h above 0, in camera pixels`},
		"mode":               {station("trigger: {mode: plc}"), `faird.yaml:5: stations.cap.trigger.mode: "plc" is not known here; choose free, interval, mqtt, change or hardware`},
		"no interval":        {station("trigger: {mode: interval}"), `faird.yaml:5: stations.cap.trigger.interval: missing, and trigger.mode is interval; say how often to inspect, such as 500ms`},
		"no deadline":        {station("trigger: {mode: mqtt, deadline: 0}"), `faird.yaml:5: stations.cap.trigger.deadline: missing; say how long a trigger may wait for its verdict, such as 2s`},
		"past deadline":      {station("trigger: {mode: mqtt, deadline: -2s}"), `faird.yaml:5: stations.cap.trigger.deadline: -2s is out of range; give a duration above 0, such as 2s`},
		"back-off":           {"stations:\n- name: cap\n  model: demo\n  camera:\n    url: 'demo://'\n    backoff_min: 1m", `faird.yaml:4: stations.cap.camera.backoff_max: 1s is below backoff_min 1m0s; raise backoff_max`},
		"on storage":         {station("on_storage: noread"), `faird.yaml:5: stations.cap.on_storage: "noread" is not known here; did you mean no_read?`},
		"no camera":          {"stations:\n- name: cap\n  model: demo", `faird.yaml:2: stations.cap.camera.url: missing; say where pictures come from, such as v4l2:///dev/video0 or demo://`},
		"no model":           {"stations:\n- name: cap\n  camera: {url: 'demo://'}", `faird.yaml:2: stations.cap.model: missing; name a model file (faird train makes one), or demo`},
		"broker":             {"mqtt: {broker: plant:1883}", `faird.yaml:1: mqtt.broker: not the address of a broker; write tcp://host:1883 or ssl://host:8883 (or ws://, wss://)`},
		"broker scheme":      {"mqtt: {broker: 'http://plant'}", `faird.yaml:1: mqtt.broker: unknown scheme "http"; write tcp://host:1883 or ssl://host:8883 (or ws://, wss://)`},
		"broker user":        {"mqtt: {broker: 'tcp://a:b@plant'}", `faird.yaml:1: mqtt.broker: holds a user; move it to mqtt.username and mqtt.password_file`},
		"plain TLS":          {"mqtt:\n  broker: tcp://plant\n  tls: {ca: ca.pem}", `faird.yaml:3: mqtt.tls: set, but mqtt.broker is not encrypted; write ssl:// or wss:// in mqtt.broker`},
		"cert alone":         {"mqtt:\n  broker: ssl://plant\n  tls: {cert: c.pem}", `faird.yaml:3: mqtt.tls: cert and key go together; give both or neither`},
		"nobody":             {"mqtt: {password: a}", `faird.yaml:1: mqtt.username: missing, but there is a password; name the user the password is for`},
		"open":               {"mqtt:\n  builtin:\n    listen: 0.0.0.0:1883", `faird.yaml:3: mqtt.builtin.listen: 0.0.0.0:1883 can be reached from other machines, and there are no users; add mqtt.builtin.users, or listen on 127.0.0.1`},
		"everywhere":         {"mqtt: {builtin: {listen: ':1883'}}", `faird.yaml:1: mqtt.builtin.listen: :1883 can be reached from other machines, and there are no users; add mqtt.builtin.users, or listen on 127.0.0.1`},
		"no port":            {"mqtt: {builtin: {listen: localhost}}", `faird.yaml:1: mqtt.builtin.listen: "localhost" is not host:port; write 127.0.0.1:1883`},
		"no password":        {"mqtt: {builtin: {users: [{name: plc}]}}", `faird.yaml:1: mqtt.builtin.users.plc.password: missing; give password_file (or password)`},
		"short password":     {"mqtt: {builtin: {users: [{name: plc, password: abcdefghi}]}}", `faird.yaml:1: mqtt.builtin.users.plc.password: the password has 9 characters, fewer than 10; choose a longer one, such as openssl rand -base64 12 gives, here and in the client`},
		"half a certificate": {"mqtt: {builtin: {tls: {cert: a.pem}}}", `faird.yaml:1: mqtt.builtin.tls: cert and key go together; give both or neither`},
		"clients' alone":     {"mqtt: {builtin: {tls: {client_ca: a.pem}}}", `faird.yaml:1: mqtt.builtin.tls.client_ca: set, but the broker itself has no certificate; give mqtt.builtin.tls.cert and key too`},
		"no sockets":         {"mqtt: {builtin: {limits: {sockets: 0}}}", `faird.yaml:1: mqtt.builtin.limits.sockets: 0 is out of range; give 1 to 65536`},
		"too many of a user": {"mqtt: {builtin: {limits: {sockets: 10}}}", `faird.yaml:1: mqtt.builtin.limits.user_sockets: 64 is out of range; give 1 to 10`},
		"small packets":      {"mqtt: {builtin: {limits: {packet: 1KiB}}}", `faird.yaml:1: mqtt.builtin.limits.packet: 1KiB is out of range; give 64KiB to 1GiB`},
		"unread below one":   {"mqtt: {builtin: {limits: {unread: 100kB}}}", `faird.yaml:1: mqtt.builtin.limits.unread: 100kB is out of range; give 2MiB to 1GiB`},
		"never connected":    {"mqtt: {builtin: {limits: {connect_timeout: 1h}}}", `faird.yaml:1: mqtt.builtin.limits.connect_timeout: 1h0m0s is out of range; give 100ms to 5m`},
		"all of all":         {"mqtt: {builtin: {users: [{name: plc, password: abcdefghij, read: 'all, cap'}]}}", `faird.yaml:1: mqtt.builtin.users.plc.read: "all" is no station's name; write station names separated by commas, or all, or none, and nothing else`},
		"two users":          {"mqtt: {builtin: {users: [{name: a, password: abcdefghij}, {name: a, password: abcdefghij}]}}", `faird.yaml:1: mqtt.builtin.users[1].name: there are two users "a"; give each its own name`},
		"secret missing":     {"mqtt: {username: a, password_file: no.txt}", `faird.yaml:1: mqtt.password_file: no.txt: no such file; put the password into this file, readable to faird alone`},
		"secret twice":       {"mqtt: {username: a, password: b, password_file: no.txt}", `faird.yaml:1: mqtt.password_file: given beside password; take one of the two out`},
		"secret folder":      {"mqtt: {username: a, password_file: /}", `faird.yaml:1: mqtt.password_file: /: not a file; put the password into this file, readable to faird alone`},
		"syntax":             {"log:\n  level: debug\n format: json", `faird.yaml:2: not YAML: did not find expected key; look at the lines around it`},
		"tab":                {"log:\n\tlevel: debug", `faird.yaml:2: not YAML: found character that cannot start any token; look at the lines around it`},
		"two documents":      {"site: a\n---\nsite: b", `faird.yaml:2: a second document begins; take out the --- line`},
		"merge of text":      {"log: {<<: a}", `faird.yaml:1: log.<<: nothing to merge; name an anchored section: <<: *name`},
		"merge of itself":    {"log: &a {<<: *a, level: info}", `faird.yaml:1: log: too many merged or repeated sections; write them out`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := loadText(t, c.text+"\n")
			if got := lines(t, err); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestLoopbackNeedsNoUsers(t *testing.T) {
	for _, listen := range []string{"localhost:1", "127.1.2.3:1883", "[::1]:1883"} {
		mustLoad(t, "mqtt: {builtin: {listen: '"+listen+"'}}")
	}
	mustLoad(t, "mqtt: {builtin: {listen: '0.0.0.0:1883', users: [{name: plc, password: abcdefghij}]}}")
}

func TestAllProblemsAtOnceInOrder(t *testing.T) {
	_, err := loadText(t, "site: a/b\nlog: {level: loud}\nmqtt:\n  timeout: 5\n  brokr: x\n"+oneStation, "FAIRD_STORE_MAX_AGE=1")
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 5 {
		t.Fatalf("got %v", err)
	}
	var keys []string
	for _, p := range problems {
		keys = append(keys, p.Key)
	}
	if got := strings.Join(keys, " "); got != "store.max_age site log.level mqtt.timeout mqtt.brokr" {
		t.Errorf("order %s", got)
	}
	if n := strings.Count(err.Error(), "\n"); n != 4 {
		t.Errorf("%d line breaks in\n%v", n, err)
	}
}

func TestFileThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "no.yaml"): "no such file",
		dir:                           "not a file",
	} {
		want = path + ": " + want + "; give the config's path with --config"
		if _, err := Load(path, nil); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestControlCharactersDoNotBreakTheLine(t *testing.T) {
	_, err := loadText(t, `"a\nb\e[31m": 1`)
	if text := lines(t, err); strings.ContainsAny(text, "\n\x1b") {
		t.Errorf("got %q", text)
	}
}

func TestNearest(t *testing.T) {
	for word, want := range map[string]string{"pass": "pass", "brokr": "broker", "debgu": "debug", "x": "", "trehshold": "threshold", "": ""} {
		if got := nearest(word, []string{"pass", "broker", "debug", "threshold"}); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
