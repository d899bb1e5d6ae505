package store

// shadowSchema is the migration for a second model beside the one that decides:
// what operators chose, and what the second model said of verdicts.
const shadowSchema = `
CREATE TABLE choice (
	station TEXT NOT NULL,
	what    TEXT NOT NULL CHECK (what IN ('model', 'shadow')),
	name    TEXT NOT NULL,
	hash    TEXT NOT NULL,
	before  TEXT NOT NULL,
	was     TEXT NOT NULL,
	config  TEXT NOT NULL,
	who     TEXT NOT NULL,
	at      INTEGER NOT NULL, -- microseconds since 1970
	PRIMARY KEY (station, what)
) WITHOUT ROWID;
-- Goes with its row of history.
CREATE TABLE shadow (
	key     INTEGER PRIMARY KEY, -- of the verdict
	station TEXT    NOT NULL,
	model   TEXT    NOT NULL,    -- sha256 of the one in shadow
	against TEXT    NOT NULL,    -- and of the one that decided
	decided TEXT    NOT NULL,    -- its verdict
	said    TEXT    NOT NULL,    -- the shadow's; no_read where it cannot judge the picture
	had     REAL    NOT NULL,    -- scores
	score   REAL,                -- NULL with no_read
	at      INTEGER NOT NULL
);
CREATE INDEX shadow_station ON shadow (station, key);
`
