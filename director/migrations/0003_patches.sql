-- Patches that ECUs of two banks may be told of, for the whole fleet.
CREATE TABLE patch (
    name   TEXT PRIMARY KEY,
    length INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    base   TEXT NOT NULL, -- the image it is for
    makes  TEXT NOT NULL, -- the image it makes
    UNIQUE (base, makes)
) STRICT, WITHOUT ROWID;

-- One row: grows with each patch that is added or removed.
CREATE TABLE patches (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL
) STRICT;
INSERT INTO patches (id, generation) VALUES (1, 0);

-- The patch an ECU is told of: all null if it is told of none.
ALTER TABLE desired ADD COLUMN delta_name TEXT;
ALTER TABLE desired ADD COLUMN delta_length INTEGER;
ALTER TABLE desired ADD COLUMN delta_sha256 TEXT;
ALTER TABLE desired ADD COLUMN delta_base TEXT;
