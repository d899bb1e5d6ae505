package config

import "testing"

func TestBytes(t *testing.T) {
	for text, want := range map[string]Bytes{
		"0": 0, "12": 12, "500MB": 5e8, "2GiB": 2 << 30, "2 gib": 2 << 30, "1.5kB": 1500, "1.5KiB": 1536, " 3 TB ": 3e12, "1TiB": 1 << 40, "7B": 7,
	} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%q: got %d, %v, want %d", text, b, err, want)
		}
		var again Bytes
		if err := again.UnmarshalText([]byte(b.String())); err != nil || again != b {
			t.Errorf("%q prints as %q, which is %d, %v", text, b, again, err)
		}
	}
}

func TestBytesThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"":           `"" is not a size`,
		"MB":         `"MB" is not a size`,
		"2G":         `"G" is not a unit of size`,
		"2 potatoes": `"potatoes" is not a unit of size`,
		"-1MB":       `"-1MB" is out of range`,
		"9e9TB":      `"9e9TB" is out of range`,
		"0x10":       `"0x10" is not a size`,
		"NaN":        `"NaN" is not a unit of size`,
	} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q: got %v (%d), want %s", text, err, b, want)
		}
	}
}
