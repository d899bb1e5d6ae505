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
	until(t, time.Minute, "the backlog", func() bool { return len(reader.verdicts("cap")) > 0 })
	first := reader.verdicts("cap")[0]
	if !first.Historical || first.Sequence != 1 {
		t.Errorf("the first to come is number %d, historical %t", first.Sequence, first.Historical)
	}
	until(t, time.Minute, "every verdict, in order", func() bool {
		next := uint64(1)
		for _, v := range reader.verdicts("cap") {
			if v.Historical && v.Sequence == next {
				next++
			}
		}
		return next > 5
	})
	until(t, time.Minute, "the outbox empties", func() bool { return waiting.Load() < 5 })
}
