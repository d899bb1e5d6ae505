package config

import "time"

// Store is the database of history and outbox.
type Store struct {
	Path     string        `mapstructure:"path"`      // folder; Load turns "" into systemd's state folder, else faird-data beside the file
	MaxBytes Bytes         `mapstructure:"max_bytes"` // of the database
	MaxAge   time.Duration `mapstructure:"max_age"`   // of an undelivered verdict
}

// minStore is the least database that holds a shift's verdicts while a broker is away.
const minStore Bytes = 1_000_000

func defaultStore() Store {
	return Store{MaxBytes: 2 << 30, MaxAge: 720 * time.Hour}
}

func (k *checker) store(s Store) {
	if s.MaxBytes < minStore {
		k.bad("store.max_bytes", s.MaxBytes.String()+" is too little", "give the database at least "+minStore.String())
	}
	k.positive("store.max_age", s.MaxAge)
}
