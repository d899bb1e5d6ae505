package store

// searchSchema is the migration for looking back: what history is searched by,
// the marks that people set, which pictures are kept, and who did what. The
// columns are read out of the payload, so that the hash chain covers them.
const searchSchema = `
ALTER TABLE history ADD COLUMN score REAL GENERATED ALWAYS AS
	(CASE WHEN json_valid(CAST(payload AS TEXT)) THEN CAST(payload AS TEXT) ->> '$.score' END) VIRTUAL;
ALTER TABLE history ADD COLUMN part TEXT GENERATED ALWAYS AS
	(CASE WHEN json_valid(CAST(payload AS TEXT)) THEN CAST(payload AS TEXT) ->> '$.trigger.part' END) VIRTUAL;
CREATE INDEX history_id ON history (id);
-- Everything a search looks at, so that it reads no payload but those it returns.
CREATE INDEX history_search ON history (key, station, kind, decided, score);
CREATE INDEX history_part ON history (part, key) WHERE part <> '';
-- Beside history, since a mark outlives its row.
CREATE TABLE mark (
	id      TEXT PRIMARY KEY,  -- of the verdict
	key     INTEGER NOT NULL,
	station TEXT    NOT NULL,
	kind    TEXT    NOT NULL,  -- as decided
	decided INTEGER NOT NULL,
	truth   TEXT    NOT NULL CHECK (truth IN ('good', 'defect')),
	who     TEXT    NOT NULL,
	at      INTEGER NOT NULL,
	note    TEXT    NOT NULL
) WITHOUT ROWID;
CREATE INDEX mark_key ON mark (key);
-- The archive's pictures: one folder each, named by station, day and id.
CREATE TABLE picture (
	id      TEXT PRIMARY KEY,  -- of the verdict
	key     INTEGER NOT NULL,
	station TEXT    NOT NULL,
	why     TEXT    NOT NULL,
	bytes   INTEGER NOT NULL,  -- of the folder's files
	width   INTEGER NOT NULL,  -- of the camera picture
	height  INTEGER NOT NULL,
	x INTEGER NOT NULL, y INTEGER NOT NULL, w INTEGER NOT NULL, h INTEGER NOT NULL -- the judged part of it
) WITHOUT ROWID;
CREATE INDEX picture_key ON picture (key);
CREATE TABLE audit (
	key     INTEGER PRIMARY KEY AUTOINCREMENT,
	at      INTEGER NOT NULL,
	who     TEXT    NOT NULL,
	client  TEXT    NOT NULL,  -- address
	action  TEXT    NOT NULL,
	station TEXT    NOT NULL,
	detail  TEXT    NOT NULL
);
`
