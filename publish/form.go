package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

const (
	// MaxThreshold bounds the thresholds that a command may set. A score is at
	// most 1 + k(Δa² + Δb²), about 25 with the paper's k; a model that counts in
	// deviations from its good images gives some hundreds.
	MaxThreshold = 1000
	// MaxSave bounds the images that one command may have saved.
	MaxSave = 10000
)

// form is what a command consists of, besides id, command and by.
type form struct {
	station bool   // it is for a station, not for the box
	needs   string // the key that must be there
	hint    string // what belongs into it
	takes   string // the key that may be there
}

var forms = map[string]form{
	CommandThreshold: {station: true, needs: "threshold", hint: "give a number, or null for the config's or the model's", takes: "review"},
	CommandModel:     {station: true, needs: "model", hint: "name a model file on the box"},
	CommandPause:     {},
	CommandResume:    {},
	CommandSave:      {station: true, needs: "count", hint: "give the number of images to save"},
}

// keys are those that the command may have.
func (f form) keys() []string {
	all := []string{"command", f.needs, f.takes, "id", "by"}
	return slices.DeleteFunc(all, func(key string) bool { return key == "" })
}

// missing says that the key is not there that must be.
func (f form) missing() error { return fmt.Errorf("%s is missing: %s", f.needs, f.hint) }

func formOf(command string) (form, error) {
	f, known := forms[command]
	switch {
	case command == "":
		return f, fmt.Errorf("command is missing: threshold, model, pause, resume or save")
	case !known:
		return f, fmt.Errorf("unknown command %q: threshold, model, pause, resume or save", command)
	}
	return f, nil
}

// parseCommand reads a command, which says exactly what is to be done: no key
// is missing, and none is there that it does not know.
func parseCommand(payload []byte, c *Command) error {
	c.Received, c.Digest = time.Now(), Digest(payload)
	text, err := clean(payload)
	if err != nil {
		return err
	}
	o := readObject(text)
	if o.err != nil {
		o.err = fmt.Errorf(`%w: send {"id":"…","command":"pause"}`, o.err)
	}
	c.ID, c.By, c.Command = o.name("id"), o.name("by"), clip(o.text("command"))
	if o.err == nil {
		o.fill(c)
	}
	return o.err
}

// fill reads the fields that the command has.
func (o *object) fill(c *Command) {
	f, err := formOf(c.Command)
	if err != nil {
		o.err = err
		return
	}
	o.only(f.keys()...)
	if f.needs != "" && !o.has(f.needs) && o.err == nil {
		o.err = f.missing()
	}
	switch c.Command {
	case CommandThreshold:
		c.Threshold, c.Review = o.limit("threshold"), o.limit("review")
	case CommandModel:
		c.Model = o.text("model")
	case CommandSave:
		c.Count = o.count("count")
	}
}

// limit reads a number or null.
func (o *object) limit(key string) Limit { return Limit{Given: o.has(key), Value: o.number(key)} }

// count reads a whole number; one that is out of range is 0, which is no count.
func (o *object) count(key string) int {
	x := o.number(key)
	if x == nil || *x < 0 || *x > MaxSave {
		return 0
	}
	if float64(int(*x)) != *x {
		o.fail("field %q must be a whole number, got %g", key, *x)
	}
	return int(*x)
}

// Check says what is wrong with a command to a station, or to the box where
// station is "", as far as that can be said without knowing the station.
func (c *Command) Check(station string) error {
	f, err := formOf(c.Command)
	switch {
	case err != nil:
		return err
	case f.station && station == "":
		return fmt.Errorf("%s is a station's command: send it to <station>/command", c.Command)
	case c.Command == CommandThreshold:
		return c.checkLimits()
	case c.Command == CommandModel && c.Model == "":
		return f.missing()
	case c.Command == CommandSave && (c.Count < 1 || c.Count > MaxSave):
		return fmt.Errorf("count must be 1 to %d", MaxSave)
	}
	return nil
}

func (c *Command) checkLimits() error {
	t, r := c.Threshold, c.Review
	switch {
	case !t.Given && !r.Given:
		return forms[CommandThreshold].missing()
	case t.Given && t.Value == nil && r.Value != nil:
		return fmt.Errorf("review needs a threshold: with a threshold of null both go back to the config's or the model's")
	}
	if err := t.check("threshold"); err != nil {
		return err
	}
	if err := r.check("review"); err != nil {
		return err
	}
	if t.Value != nil && r.Value != nil && *r.Value >= *t.Value {
		return fmt.Errorf("review %g must be below the threshold %g", *r.Value, *t.Value)
	}
	return nil
}

func (l Limit) check(name string) error {
	if l.Value != nil && !(*l.Value > 0 && *l.Value <= MaxThreshold) { // NaN too
		return fmt.Errorf("%s %g is out of range: it must be above 0 and at most %d", name, *l.Value, MaxThreshold)
	}
	return nil
}

// Digest names a message by its content: the SHA-256 of its payload in hex.
func Digest(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}
