package config

import "fmt"

// Archive is the pictures that are kept: of every fail and review, of what is
// near them, and a sample of the rest.
type Archive struct {
	MaxBytes Bytes   `mapstructure:"max_bytes"` // 0: no pictures are kept
	MinFree  Bytes   `mapstructure:"min_free"`  // of the disk, never taken
	Sample   float64 `mapstructure:"sample"`    // share of passes kept, 0..1
	Near     float64 `mapstructure:"near"`      // passes this share below the lower threshold are kept too, 0..1
}

func defaultArchive() Archive {
	return Archive{MaxBytes: 10 << 30, MinFree: 1 << 30, Sample: 0.01, Near: 0.1}
}

func (k *checker) archive(a Archive) {
	for key, share := range map[string]float64{"archive.sample": a.Sample, "archive.near": a.Near} {
		if !(share >= 0 && share <= 1) {
			k.bad(key, fmt.Sprintf("%g is out of range", share), "give a share of 0 to 1, such as 0.01")
		}
	}
}
