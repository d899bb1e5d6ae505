package redact

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

func TestJSON(t *testing.T) {
	forget(t)
	Learn("line", "hunter2!")
	for text, want := range map[string]string{
		`{"line":1,"n":12345678901234567890,"x":[1.50,null,true],"a":"of line 2"}`: `{"line":1,"n":12345678901234567890,"x":[1.50,null,true],"a":"of ` + S + ` 2"}`,
		`{"error":"url \"rtsp://u:p\\\"w@cam/1\": no"}`:                            `{"error":"url \"rtsp://u:` + S + `@cam/1\": no"}`,
		`{"password" : "x", "token":["a","b"], "key":"site", "mode":"a"}`:          `{"password" : "` + S + `", "token":["` + S + `","` + S + `"], "key":"site", "mode":"a"}`,
		`{"password":"","token":7}`:                                                `{"password":"","token":7}`,
		`{"rtsp://u:pw@cam":"\u003chunter2!\u003e"}`:                               `{"rtsp://u:` + S + `@cam":"<` + S + `>"}`,
		"{\"a\":\"pwd=x\"}\n{\"b\":\"é\\n\"}\n":                                    "{\"a\":\"pwd=" + S + "\"}\n{\"b\":\"é\\n\"}\n",
		"not JSON: pwd=x\n":                                                        "not JSON: pwd=" + S + "\n",
		"{\"a\":1}\nnot JSON: rtsp://u:pw@cam\n":                                   "{\"a\":1}\nnot JSON: rtsp://u:" + S + "@cam\n",
		"":                                                                         "",
	} {
		if got := string(JSON([]byte(text))); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

// Every line that zerolog writes goes through, and stays JSON.
func TestWriter(t *testing.T) {
	forget(t)
	LearnURL("rtsp://admin:TOP \"SECOND\"@cam/1")
	var out bytes.Buffer
	log := zerolog.New(Writer(&out))
	log.Warn().Err(errors.New(`parse "rtsp://admin:TOP \"SECOND\"@cam/1": no`)).Str("camera", "http://cam/?loginpas=SECOND").Msg("lost TOP \"SECOND\"")
	log.Info().Strs("list", []string{"a", "rtsp://u:SECOND@cam"}).Int("n", 7).Msg("")
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "SECOND") || !json.Valid([]byte(line)) || !strings.HasSuffix(line, "\n") {
			t.Errorf("it says %s", line)
		}
	}
	if n := strings.Count(out.String(), "\n"); n != 2 {
		t.Errorf("%d lines", n)
	}
}
