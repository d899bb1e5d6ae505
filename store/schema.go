package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// migrations bring a database from user_version i to i+1. They are only ever
// added to: a box may come from any older version.
var migrations = []string{`
CREATE TABLE history (
	key       INTEGER PRIMARY KEY,
	station   TEXT    NOT NULL,
	sequence  INTEGER NOT NULL,
	id        TEXT    NOT NULL,
	kind      TEXT    NOT NULL,
	trigger   TEXT,             -- NULL where the PLC gave no id
	decided   INTEGER NOT NULL, -- microseconds since 1970
	payload   BLOB    NOT NULL,
	hash      BLOB    NOT NULL  -- sha256(hash of the row before || payload)
);
CREATE INDEX history_station ON history (station, key);
CREATE INDEX history_trigger ON history (trigger, station) WHERE trigger IS NOT NULL;
CREATE TABLE outbox (
	key     INTEGER PRIMARY KEY REFERENCES history (key),
	rank    INTEGER NOT NULL,   -- order of giving up when full: 0 pass, 1 no_read and review, 2 fail
	bytes   INTEGER NOT NULL,
	decided INTEGER             -- NULL where the clock was not to be trusted: does not age
);
CREATE INDEX outbox_rank ON outbox (rank, key);
CREATE INDEX outbox_decided ON outbox (decided) WHERE decided IS NOT NULL;
-- The newest row of the chain, so that a missing newest row shows too.
CREATE TABLE chain (one INTEGER PRIMARY KEY CHECK (one = 1), key INTEGER NOT NULL, hash BLOB NOT NULL);
INSERT INTO chain VALUES (1, 0, x'');
-- Runs of rows that were given up on purpose; hash is that of the last one.
CREATE TABLE gap (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, hash BLOB NOT NULL);
CREATE INDEX gap_last ON gap (last);
CREATE TABLE station (name TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE override (
	station   TEXT PRIMARY KEY,
	threshold REAL NOT NULL,
	review    REAL,
	who       TEXT NOT NULL,
	at        INTEGER NOT NULL -- microseconds since 1970
) WITHOUT ROWID;
`, `
-- A second outbox, for a delivery with acknowledgements of its own: see Feed.
CREATE TABLE feed (
	key     INTEGER PRIMARY KEY REFERENCES history (key),
	rank    INTEGER NOT NULL,   -- order of giving up when full, as in outbox
	bytes   INTEGER NOT NULL,
	decided INTEGER             -- NULL where the clock was not to be trusted: does not age
);
CREATE INDEX feed_rank ON feed (rank, key);
CREATE INDEX feed_decided ON feed (decided) WHERE decided IS NOT NULL;
`, searchSchema, shadowSchema}

// errNewer marks a database that a newer faird has written.
var errNewer = errors.New("written by a newer faird")

func migrate(ctx context.Context, c *sql.Conn) error {
	var version int
	if err := c.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version > len(migrations) {
		return fmt.Errorf("%w: schema %d, this one knows up to %d: install that version again, or name another folder in store.path",
			errNewer, version, len(migrations))
	}
	for ; version < len(migrations); version++ {
		if err := step(ctx, c, version); err != nil {
			return fmt.Errorf("migrate to schema %d: %w", version+1, err)
		}
	}
	return nil
}

func step(ctx context.Context, c *sql.Conn, version int) error {
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it has nothing left to undo
	if _, err := tx.ExecContext(ctx, migrations[version]); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version+1)); err != nil {
		return err
	}
	return tx.Commit()
}
