package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"faird/publish"
	"faird/verdict"
)

// TestAckRequired holds that a station's verdicts wait for a subscriber where
// the config asks for it, and that every one comes when there is one.
func TestAckRequired(t *testing.T) {
	port := freePort(t)
	url := fmt.Sprintf("tcp://127.0.0.1:%d", port)
	text := configText(t, "", strings.Replace(free("cap", demoCam), "}\n", ", ack: required}\n", 1))
	text = strings.Replace(text, `mqtt: {broker: "", commands: true}`, fmt.Sprintf("mqtt: {builtin: {listen: '127.0.0.1:%d'}}", port), 1)
	dir := t.TempDir()
	start(t, dir, nil, "run", "--config", write(t, dir, "faird.yaml", text))

	var waiting atomic.Int64
	viewer := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(url).SetClientID("viewer").
		SetConnectRetry(true).SetConnectRetryInterval(100 * time.Millisecond))
	token := viewer.Connect()
	if !token.WaitTimeout(time.Minute) || token.Error() != nil {
		t.Fatalf("viewer: %v", token.Error())
	}
	defer viewer.Disconnect(100)
	viewer.Subscribe(boxTop+"/state", 1, func(_ mqtt.Client, m mqtt.Message) {
		var s publish.BoxState
		if err := json.Unmarshal(m.Payload(), &s); err == nil && s.Outbox != nil {
			waiting.Store(s.Outbox.Rows)
		}
	})
	until(t, time.Minute, "verdicts wait in the outbox", func() bool { return waiting.Load() >= 5 })

	reader := connect(t, url)
	// What waited comes as history, from the first on and in order; a new verdict
	// may come before it.
	until(t, time.Minute, "what waited", func() bool { return len(historical(reader)) >= 5 })
	for i, v := range historical(reader)[:5] {
		if v.Sequence != uint64(i+1) {
			t.Errorf("number %d of what waited is verdict %d", i+1, v.Sequence)
		}
	}
	until(t, time.Minute, "the outbox empties", func() bool { return waiting.Load() < 5 })
}

func historical(r *plc) []verdict.Verdict {
	var late []verdict.Verdict
	for _, v := range r.verdicts("cap") {
		if v.Historical {
			late = append(late, v)
		}
	}
	return late
}
