-- One row. `needs` is the lowest schema whose programs can use this one.
CREATE TABLE repository (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    needs INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    snapshot_seconds INTEGER NOT NULL,
    timestamp_seconds INTEGER NOT NULL
) STRICT;

INSERT INTO repository (id, needs, generation, snapshot_seconds, timestamp_seconds)
SELECT 1, 3, EXISTS (SELECT 1 FROM file),
    coalesce((SELECT seconds FROM lifetime WHERE role = 'snapshot'), 30 * 86400),
    coalesce((SELECT seconds FROM lifetime WHERE role = 'timestamp'), 7 * 86400);

ALTER TABLE file RENAME TO file_of_one_folder;

-- The primary key is what keeps a version from being used twice. `expires` counts seconds since 1970; `bytes` is null
-- once they are pruned, and stands last so that nobody who wants the others has to pass it.
CREATE TABLE file (
    role TEXT NOT NULL,
    version INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    length INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    published INTEGER NOT NULL CHECK (published IN (0, 1)),
    newest INTEGER NOT NULL CHECK (newest IN (0, 1)),
    bytes BLOB,
    PRIMARY KEY (role, version)
) STRICT;

INSERT INTO file (role, version, expires, length, sha256, published, newest, bytes)
SELECT role, version, unixepoch(expires), length(bytes), sha256, published,
    version = (SELECT max(version) FROM file_of_one_folder AS every WHERE every.role = one.role), bytes
FROM file_of_one_folder AS one;

-- A role has one newest file, so a lower version can never follow a higher one.
CREATE UNIQUE INDEX file_newest ON file (role) WHERE newest;
CREATE INDEX file_unpublished ON file (role, version) WHERE NOT published;
CREATE INDEX file_kept ON file (role, version, expires) WHERE bytes IS NOT NULL;

-- `hardware_ids` are joined by commas, which no such id holds.
CREATE TABLE listing (
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    length INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    hardware_ids TEXT NOT NULL,
    line TEXT NOT NULL,
    release_counter INTEGER NOT NULL,
    PRIMARY KEY (role, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX listing_name ON listing (name);

INSERT INTO listing (role, name, length, sha256, hardware_ids, line, release_counter)
SELECT 'targets', name, length, sha256, hardware_ids, line, release_counter FROM image WHERE listed IS NOT NULL;

CREATE TABLE delegation (
    delegator TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (delegator, role)
) STRICT, WITHOUT ROWID;

CREATE INDEX delegation_role ON delegation (role);

-- Who did what; `made` counts seconds since 1970. The hashes chain the rows.
CREATE TABLE entry (
    seq INTEGER PRIMARY KEY,
    made INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;

-- Whose keys are which, Root says; files of keys belong to those who sign with them.
DROP TABLE file_of_one_folder;
DROP TABLE image;
DROP TABLE lifetime;
DROP TABLE role_key;
