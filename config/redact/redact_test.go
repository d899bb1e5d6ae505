package redact

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// S stands for a secret in these tables.
const S = Stars

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"": "",
		// ordinary text and ordinary URLs stay as they are
		"camera cap: no image within 2s; the key mqtt.tls.ca is not set\n": "camera cap: no image within 2s; the key mqtt.tls.ca is not set\n",
		"v4l2:///dev/video0?width=1280&height=960":                         "v4l2:///dev/video0?width=1280&height=960",
		"rtsp://cam:554/stream: connection refused":                        "rtsp://cam:554/stream: connection refused",
		"rtsp://user@cam/1": "rtsp://user@cam/1",
		"rtsp://cam:554/s?expect=1920x1080@25: got 640x480@30":                   "rtsp://cam:554/s?expect=1920x1080@25: got 640x480@30",
		"rtsp://[fe80::1%25eth0]:554/1":                                          "rtsp://[fe80::1%25eth0]:554/1",
		"http://x/?src=rtsp%3A%2F%2F%5Bfe80%3A%3A1%5D%3A554%2F1":                 "http://x/?src=rtsp%3A%2F%2F%5Bfe80%3A%3A1%5D%3A554%2F1",
		"http://[fe80::1]:80/a@b and http://10.0.0.1:80/x?y=a:b@c":               "http://[fe80::1]:80/a@b and http://10.0.0.1:80/x?y=a:b@c",
		"http://cam:80/snap?user=me@example.com&channel=1":                       "http://cam:80/snap?user=me@example.com&channel=1",
		"dial tcp 10.0.0.1:554: connect: connection refused":                     "dial tcp 10.0.0.1:554: connect: connection refused",
		"faird.yaml:3: mqtt.password: missing; give password_file (or password)": "faird.yaml:3: mqtt.password: missing; give password_file (or password)",
		"a.yaml:4: mqtt.password: /etc/a1.yaml can be read by every user":        "a.yaml:4: mqtt.password: /etc/a1.yaml can be read by every user",
		"the password: hunter2, said somebody":                                   "the password: " + S + ", said somebody",
		"write key=value pairs, p=0.05":                                          "write key=value pairs, p=0.05",
		"mqtt.password_file: /etc/p: no such file":                               "mqtt.password_file: /etc/p: no such file",
		"upload://0.0.0.0:8081/cap?token_file=/etc/faird/token":                  "upload://0.0.0.0:8081/cap?token_file=/etc/faird/token",
		"wrong user name or password: see docs/mqtt.md":                          "wrong user name or password: see docs/mqtt.md",
		"basic authentication, bearer authentication":                            "basic authentication, bearer authentication",
		"faird_station_frames_dropped_total":                                     "faird_station_frames_dropped_total",
		"file:///data/lot:7@night/*.png":                                         "file:///data/lot:7@night/*.png",
		"trigger line@2 of part a:b":                                             "trigger line@2 of part a:b",
		// passwords in URLs
		"rtsp://user:pw@cam/1": "rtsp://user:" + S + "@cam/1",
		"rtsp://:pw@cam":       "rtsp://:" + S + "@cam",
		"rtsp://admin:first@SECOND@127.0.0.1:21059/ch1 failed":       "rtsp://admin:" + S + "@127.0.0.1:21059/ch1 failed",
		"rtsp://admin:TOP SECOND@cam/1":                              "rtsp://admin:" + S + "@cam/1",
		"rtsp://admin:SECOND#x@cam/1":                                "rtsp://admin:" + S + "@cam/1",
		"rtsp://admin:a/b?c@cam/1":                                   "rtsp://admin:" + S + "@cam/1",
		"rtsp://admin:a?pwd=b@cam/1":                                 "rtsp://admin:" + S + "@cam/1",
		"rtsp://admin:1234 5@cam/1":                                  "rtsp://admin:" + S + "@cam/1",
		"rtsp://me@corp.example:pw@cam/1":                            "rtsp://me@corp.example:" + S + "@cam/1",
		"rtsp://u:a://b@cam/1":                                       "rtsp://u:" + S + "@cam/1",
		"rtsp://u:p%40w@[fe80::1]:554/1":                             "rtsp://u:" + S + "@[fe80::1]:554/1",
		"rtsp://admin%3Apw@cam/1":                                    "rtsp://admin%3A" + S + "@cam/1",
		"rtsp://admin:SECOND":                                        "rtsp://admin:" + S,
		"admin:pw@10.0.0.1/ch1":                                      "admin:" + S + "@10.0.0.1/ch1",
		"https://a1b2c3d4e5f6a7b8c9d0@host/x":                        "https://" + S + "@host/x",
		"https://a1b2c3d4e5f6a7b8c9d0:x@host/x":                      "https://" + S + ":" + S + "@host/x",
		"rtsp://a:pw@cam1/1 rtsp://b:pw@cam2/2":                      "rtsp://a:" + S + "@cam1/1 rtsp://b:" + S + "@cam2/2",
		"tcp://u:pw@h:1883 and mqtts://u:p w@h":                      "tcp://u:" + S + "@h:1883 and mqtts://u:" + S + "@h",
		`camera url "rtsp://u:p\"w@cam/1": no`:                       `camera url "rtsp://u:` + S + `@cam/1": no`,
		`{"e":"url \"rtsp://u:p\\\"w@cam/1\": no"}`:                  `{"e":"url \"rtsp://u:` + S + `@cam/1\": no"}`,
		`{"url":"rtsp:\/\/u:pw@cam\/1"}`:                             `{"url":"rtsp:\/\/u:` + S + `@cam\/1"}`,
		"http://go2rtc:1984/x?src=rtsp%3A%2F%2Fu%3Apw%40cam%2F1&y=1": "http://go2rtc:1984/x?src=rtsp%3A%2F%2Fu%3A" + S + "%40cam%2F1&y=1",
		"http://go2rtc:1984/x?src=rtsp%3A%2F%2Fcam%3A554%2F1":        "http://go2rtc:1984/x?src=rtsp%3A%2F%2Fcam%3A554%2F1",
		// pipelines
		"gstreamer:rtspsrc location=rtsp://u:pw@cam/1 ! decodebin":      "gstreamer:rtspsrc location=rtsp://u:" + S + "@cam/1 ! decodebin",
		`rtspsrc location="rtsp://u:p w@h/1" user-pw="p w" ! decodebin`: `rtspsrc location="rtsp://u:` + S + `@h/1" user-pw="` + S + `" ! decodebin`,
		`rtspsrc user-id=a user-pw=(string)"p w" ! decodebin`:           `rtspsrc user-id=a user-pw=(string)"` + S + `" ! decodebin`,
		"srtsrc uri=srt://h:7001?passphrase=abcdefghij&mode=caller":     "srtsrc uri=srt://h:7001?passphrase=" + S + "&mode=caller",
		// queries
		"http://cam/v.cgi?loginuse=admin&loginpas=SECOND":                  "http://cam/v.cgi?loginuse=admin&loginpas=" + S,
		`"http://cam/v.cgi?loginpas=TOP SECOND&x=1": refused`:              `"http://cam/v.cgi?loginpas=` + S + `&x=1": refused`,
		"http://cam:80/x?user=a&pwd=p@ss/w#rd?1&channel=1 and so on":       "http://cam:80/x?user=a&pwd=" + S + "&channel=1 and so on",
		"http://cam/x?pwd=a&b&channel=1":                                   "http://cam/x?pwd=" + S + "&channel=1",
		"http://cam/x?u=admin&p=pw&c=1":                                    "http://cam/x?u=admin&p=" + S + "&c=1",
		"http://cam/x?user=a;pwd=pw":                                       "http://cam/x?user=a;pwd=" + S,
		`{"url":"http://cam/x?a=1\u0026key=abcd"}`:                         `{"url":"http://cam/x?a=1\u0026key=` + S + `"}`,
		"http://x/?src=http%3A%2F%2Fcam%2Fv%3Fuser%3Da%26pwd%3Dpw%26c%3D1": "http://x/?src=http%3A%2F%2Fcam%2Fv%3Fuser%3Da%26pwd%3D" + S + "%26c%3D1",
		// YAML, JSON, headers, tokens
		"mqtt: {username: a, password: hunter2, timeout: 1s}":                     "mqtt: {username: a, password: " + S + ", timeout: 1s}",
		"  password: hunter 2 # x\n  next: 1\n":                                   "  password: " + S + "\n  next: 1\n",
		"mqtt_password: 'hunter 2'":                                               "mqtt_password: '" + S + "'",
		`{"password": "hunter 2", "x": 1}`:                                        `{"password": "` + S + `", "x": 1}`,
		"password=hunter2 and more":                                               "password=" + S + " and more",
		"Authorization: Bearer abcdefgh12345":                                     "Authorization: " + S,
		"got Bearer abcdefgh12345 from":                                           "got Bearer " + S + " from",
		"got Basic YWRtaW46aHVudGVyMg== from":                                     "got Basic " + S + " from",
		"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\nx": S + "\nx",
		"-----BEGIN PRIVATE KEY-----\nAAAA cut short":                             S,
		"$2a$10$abcdefghijklmnopqrstuuVGZzEJ1bqYb1UOJ2h1d0a8a7mJQnGmK":            S,
	} {
		got := Text(text)
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
		if again := Text(got); again != got {
			t.Errorf("%s\nmasked again is %s", got, again)
		}
	}
}

// In a text that is one URL even white space belongs to it.
func TestURL(t *testing.T) {
	for address, want := range map[string]string{
		"rtsp://admin:TOP SECOND@cam/1":                         "rtsp://admin:" + S + "@cam/1",
		"rtsp://u:a@b c://d@cam/1":                              "rtsp://u:" + S + "@cam/1",
		"http://cam/v.cgi?loginpas=TOP SECOND&x=1":              "http://cam/v.cgi?loginpas=" + S + "&x=1",
		"admin:TOP SECOND@cam":                                  "admin:" + S + "@cam",
		"gstreamer:?x=1 rtspsrc location=rtsp://u:pw@h ! x y=1": "gstreamer:?x=1 rtspsrc location=rtsp://u:" + S + "@h ! x y=1",
		"gstreamer:videotestsrc ! video/x-raw,framerate=25/1":   "gstreamer:videotestsrc ! video/x-raw,framerate=25/1",
		"rtsp://cam:notaport/":                                  "rtsp://cam:" + S,
		"rtsp:///u:pw@cam":                                      "rtsp:///u:" + S + "@cam",
		"watch:///in?then=move&to=/a:b@c":                       "watch:///in?then=move&to=/a:b@c",
		"plant 1":                                               "plant 1",
		"":                                                      "",
	} {
		if got := URL(address); got != want || URL(got) != want {
			t.Errorf("%s\n got %s\nthen %s\nwant %s", address, got, URL(got), want)
		}
	}
}

// What cameras of these makers take passwords in, from their manuals and from
// what users write.
func TestQueriesOfCameras(t *testing.T) {
	for maker, address := range map[string]string{
		"Foscam C1":          "http://cam:88/cgi-bin/CGIProxy.fcgi?cmd=snapPicture2&usr=admin&pwd=SECRET",
		"Foscam FI89":        "http://cam/videostream.cgi?user=admin&pwd=SECRET&resolution=32",
		"Wansview, VStarcam": "http://cam:81/livestream.cgi?loginuse=admin&loginpas=SECRET&streamid=10",
		"Reolink":            "http://cam/cgi-bin/api.cgi?cmd=Snap&channel=0&user=admin&password=SECRET",
		"Reolink FLV":        "http://cam/flv?port=1935&app=bcs&stream=channel0_main.bcs&user=admin&password=SECRET",
		"Reolink token":      "http://cam/cgi-bin/api.cgi?cmd=Snap&channel=0&token=SECRET",
		"Hikvision":          "http://cam/Streaming/channels/1/picture?auth=SECRET",
		"Dahua, Amcrest":     "rtsp://admin:SECRET@cam:554/cam/realmonitor?channel=1&subtype=0",
		"Dahua NVR":          "http://nvr/cgi-bin/snapshot.cgi?chn=1&u=admin&p=SECRET",
		"Instar":             "http://cam/snap.cgi?chn=11&user=myuser&pwd=SECRET@word?123",
		"Vivotek, ABUS":      "http://cam/cgi-bin/admin/editaccount.cgi?method=edit&username=a&userpass=SECRET",
		"XM":                 "rtsp://cam:554/user=admin&password=SECRET&channel=1&stream=0.sdp",
		"XM, underscores":    "rtsp://cam:554/user=admin_password=SECRET_channel=1_stream=0.sdp",
		"Axis, OAuth":        "https://cam/axis-cgi/mjpg/video.cgi?access_token=SECRET",
		"Edimax, TP-Link":    "http://cam/snapshot.jpg?account=admin&password=SECRET",
		"Samsung":            "http://cam/stw-cgi/image.cgi?loginuse=a&loginpas=SECRET",
		"Geovision":          "http://cam/webcam_login?username=a&password=SECRET",
		"D-Link":             "http://cam/image.jpg?authbasic=SECRET",
		"UniFi, go2rtc":      "rtspx://nvr:7441/SHOWN?enableSrtp&apiKey=SECRET",
		"Azure":              "https://a.blob.example/x.jpg?sv=2024&sig=SECRET%3D",
		"Amazon":             "https://a.s3.example/x.jpg?X-Amz-Credential=SECRET&X-Amz-Signature=SECRET&X-Amz-Security-Token=SECRET",
		"SRT":                "srt://cam:7001?mode=caller&passphrase=SECRET&streamid=read:cam:user:SECRET",
		"session":            "http://cam/mjpg?sessionId=SECRET&sid=SECRET",
		"semicolons":         "http://cam/mjpg?user=a;passwd=SECRET",
	} {
		for _, got := range []string{URL(address), Text("lost " + address + ": refused"), Text(`url "` + address + `" is bad`)} {
			if strings.Contains(got, "SECRET") || !strings.Contains(got, strings.SplitN(address, "?", 2)[0][:10]) {
				t.Errorf("%s: %s", maker, got)
			}
		}
	}
}

func TestIsSecret(t *testing.T) {
	for _, name := range []string{"password", "PWD", "pass_word", "loginpas", "user-pw", "api_key", "API-Key", "X-Auth-Token", "client_secret", "sig", "FAIRD_MQTT_PASSWORD"} {
		if !IsSecret(name) {
			t.Errorf("%s counts as none", name)
		}
	}
	for _, name := range []string{"", "user", "usr", "loginuse", "user-id", "channel", "password_file", "FAIRD_MQTT_PASSWORD_FILE", "width", "latency", "keyframes"} {
		if IsSecret(name) {
			t.Errorf("%s counts as one", name)
		}
	}
}

func TestError(t *testing.T) {
	if Error(nil) != nil {
		t.Error("nil became an error")
	}
	err := Error(fmt.Errorf("rtsp://u:pw@cam: %w", io.EOF))
	if err.Error() != "rtsp://u:"+S+"@cam: EOF" || !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}
