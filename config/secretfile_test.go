package config

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"faird/config/redact"
)

// inUTF16 is a text as Windows PowerShell redirects it into a file.
func inUTF16(text string, order binary.AppendByteOrder) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

// A secret's file may be written like the config file itself: UTF-8 with or
// without a byte order mark, or UTF-16.
func TestSecretFilesOfWindows(t *testing.T) {
	const word = "pässword-𝄞"
	for name, text := range map[string]string{
		"plain":         word + "\n",
		"Notepad":       "\xef\xbb\xbf" + word + "\r\n",
		"PowerShell":    inUTF16(word+"\r\n", binary.LittleEndian),
		"UTF-16BE":      inUTF16(word, binary.BigEndian),
		"no line break": word,
	} {
		t.Run(name, func(t *testing.T) {
			path := put(t, filepath.Join(t.TempDir(), "secret"), text)
			got, err := ReadSecret(path)
			if err != nil || got != word {
				t.Fatalf("got %q, %v", got, err)
			}
			if said := redact.Text("log-in with " + word + " refused"); strings.Contains(said, word) {
				t.Error(said)
			}
		})
	}
}

func TestSecretFilesThatAreRefused(t *testing.T) {
	for text, says := range map[string]string{
		"": "empty", "\n": "empty", "\xef\xbb\xbf\r\n": "empty", "\xff\xfe": "empty",
		"\xff\xfes\x00e": "ends within a character", "s\x00e\x00c\x00": "zero bytes",
	} {
		dir := t.TempDir()
		put(t, filepath.Join(dir, "secret"), text)
		path := put(t, filepath.Join(dir, "faird.yaml"), "mqtt: {username: a, password_file: secret}\n"+oneStation)
		if _, err := Load(path, nil); err == nil || !strings.Contains(err.Error(), "mqtt.password_file: "+dir+"/secret: ") || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want it to say %q", text, err, says)
		}
	}
}

// A config written by Windows still loads, and its password is the same.
func TestConfigOfWindows(t *testing.T) {
	text := "mqtt: {username: a, password: pässword}\n" + oneStation
	for _, written := range []string{"\xef\xbb\xbf" + text, inUTF16(text, binary.LittleEndian), inUTF16(text, binary.BigEndian)} {
		c, err := Load(put(t, filepath.Join(t.TempDir(), "faird.yaml"), written), nil)
		if err != nil || string(c.MQTT.Password) != "pässword" {
			t.Errorf("%q: %v", written[:8], err)
		}
	}
}

// What Load reads is masked from then on, wherever it turns up.
func TestLoadedSecretsAreMasked(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "pw"), "file-SECRET\n")
	put(t, filepath.Join(dir, "faird.yaml"), `
mqtt: {username: a, password: inline-SECRET, builtin: {users: [{name: plc, password: "user SECRET"}, {name: b, password_file: pw}]}}
sparkplug: {username: a, password: spark-SECRET}
nonsense: 1
stations:
- {name: cap, model: demo, camera: {url: "rtsp://u:camera@SECRET@cam/1"}}
- {name: lid, model: demo, camera: {url: "http://cam/v.cgi?loginpas=query-SECRET"}}
`)
	if _, err := Load(filepath.Join(dir, "faird.yaml"), []string{"FAIRD_SPARKPLUG_PASSWORD=env-SECRET"}); err == nil {
		t.Fatal("the key nonsense is taken")
	}
	for _, word := range []string{"file-SECRET", "inline-SECRET", "user SECRET", "env-SECRET", "camera@SECRET", "query-SECRET"} {
		for _, form := range []string{word, fmt.Sprintf("%q", word), strings.ReplaceAll(strings.ReplaceAll(word, "@", "%40"), " ", "+")} {
			if got := redact.Text("said " + form + "!"); strings.Contains(got, "SECRET") {
				t.Errorf("%s became %s", form, got)
			}
		}
	}
}

// A problem never repeats a secret, whatever part of the file it quotes.
func TestProblemsHoldNoSecret(t *testing.T) {
	for _, text := range []string{
		"mqtt: {broker: 'tcp://a:p@SECRET@plant'}", "mqtt: {broker: 'tcp://a:SECRET#x@plant'}", "mqtt: {broker: 'a:TOP SECRET@plant'}",
		"mqtt: {timeout: 'rtsp://u:SECRET@cam'}", "infer: {provider: 'http://x/?loginpas=SECRET'}",
		"stations:\n- {name: 'u:SECRET@cam', model: demo, camera: {url: 'demo://'}}",
		"stations:\n- {name: cap, model: demo, camera: {url: rtsp://u:a: SECRET@cam}}",
		"mqtt: {password:SECRET}", "log: {level: 'token=SECRET'}", "mqtt: {builtin: {listen: 'u:SECRET@host'}}",
		"store: {max_bytes: 'password=SECRET'}", "mqtt: {rtsp://u:SECRET@cam: 1}", "rtsp://u:SECRET@cam: 1",
	} {
		_, err := Load(put(t, filepath.Join(t.TempDir(), "faird.yaml"), text), nil)
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
