package main

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func login(user, password string) func(*mqtt.ClientOptions) {
	return func(o *mqtt.ClientOptions) {
		o.SetUsername(user).SetPassword(password).SetClientID("panel-" + user).SetAutoReconnect(false)
	}
}

// On the built-in broker a command is its user's, who needs the right.
func TestCommandsOnTheBuiltinBroker(t *testing.T) {
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	dir := t.TempDir()
	text := configText(t, "", unhurried)
	text = strings.Replace(text, `mqtt: {broker: "", commands: true}`, fmt.Sprintf(
		"mqtt: {commands: true, builtin: {listen: '%s', users: [{name: hmi, password: hmi-secret, write: true}, {name: viewer, password: viewer-secret}]}}", addr), 1)
	p := start(t, dir, nil, "run", "--config", write(t, dir, "faird.yaml", text))
	until(t, time.Minute, "the broker listens", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	hmi, viewer := connect(t, "tcp://"+addr, login("hmi", "hmi-secret")), connect(t, "tcp://"+addr, login("viewer", "viewer-secret"))
	hmi.stateOf(cap0+"/state", time.Minute, "ready", ready)

	token := viewer.client.Publish(cap0+"/command", 1, false, `{"id":"v-1","command":"pause"}`)
	if token.WaitTimeout(10*time.Second) && token.Error() == nil {
		t.Error("a user without the right may command")
	}
	save := `{"id":"s-1","command":"save","count":1,"by":"maria"}`
	pattern := filepath.Join(storePath(t, text), "saved", "cap", "*.png")
	for n := 1; n <= 2; n++ { // the second is answered, not done
		hmi.send(cap0+"/command", save)
		until(t, 20*time.Second, "the reply", func() bool { return len(hmi.on(cap0+"/command/reply")) == n })
		until(t, 20*time.Second, "the picture", func() bool { saved, _ := filepath.Glob(pattern); return len(saved) == 1 })
	}
	judged := len(hmi.verdicts("cap"))
	until(t, 20*time.Second, "more verdicts", func() bool { return len(hmi.verdicts("cap")) >= judged+5 })
	if saved, _ := filepath.Glob(pattern); len(saved) != 1 {
		t.Errorf("%d pictures are saved, want the one asked for once", len(saved))
	}
	var r map[string]any
	if hmi.last(cap0+"/command/reply", &r); r["id"] != "s-1" || r["ok"] != true {
		t.Errorf("the reply to the second: %v", r)
	}
	if s := hmi.stateOf(cap0+"/state", time.Second, "a state", func(map[string]any) bool { return true }); s["paused"] != false {
		t.Error("the viewer paused the station")
	}
	log := p.errs.String() + p.out.String()
	for _, want := range []string{`"by":"maria (user hmi, client panel-hmi)"`, `"id":"s-1"`, `"received":"20`, "not allowed to write"} {
		if !strings.Contains(log, want) {
			t.Errorf("%s is not in the log", want)
		}
	}
}
