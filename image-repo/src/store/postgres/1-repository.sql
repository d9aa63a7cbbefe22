-- Text is compared byte by byte, as the program compares it, whatever the database's own collation.

-- One row. `needs` is the lowest schema whose programs can use this one.
CREATE TABLE repository (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    needs BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    snapshot_seconds BIGINT NOT NULL,
    timestamp_seconds BIGINT NOT NULL
);

INSERT INTO repository (id, needs, generation, snapshot_seconds, timestamp_seconds)
VALUES (1, 1, 0, 30 * 86400, 7 * 86400);

-- The primary key is what keeps a version from being used twice. `expires` counts seconds since 1970; `bytes` is null
-- once they are pruned.
CREATE TABLE file (
    role TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    length BIGINT NOT NULL,
    sha256 TEXT COLLATE "C" NOT NULL,
    published BOOLEAN NOT NULL,
    newest BOOLEAN NOT NULL,
    bytes BYTEA,
    PRIMARY KEY (role, version)
);

-- A role has one newest file, so a lower version can never follow a higher one.
CREATE UNIQUE INDEX file_newest ON file (role) WHERE newest;
CREATE INDEX file_unpublished ON file (role, version) WHERE NOT published;
CREATE INDEX file_kept ON file (role, version, expires) WHERE bytes IS NOT NULL;

-- `hardware_ids` are joined by commas, which no such id holds.
CREATE TABLE listing (
    role TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    length BIGINT NOT NULL,
    sha256 TEXT COLLATE "C" NOT NULL,
    hardware_ids TEXT COLLATE "C" NOT NULL,
    line TEXT COLLATE "C" NOT NULL,
    release_counter BIGINT NOT NULL,
    PRIMARY KEY (role, name)
);

CREATE INDEX listing_name ON listing (name);

-- Outlives the images of the line: a counter is never lowered.
CREATE TABLE line (
    line TEXT COLLATE "C" PRIMARY KEY,
    highest BIGINT NOT NULL
);

CREATE TABLE delegation (
    delegator TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (delegator, role)
);

CREATE INDEX delegation_role ON delegation (role);

-- Who did what; `made` counts seconds since 1970. The hashes chain the rows.
CREATE TABLE entry (
    seq BIGINT PRIMARY KEY,
    made BIGINT NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    object TEXT COLLATE "C" NOT NULL,
    previous TEXT COLLATE "C" NOT NULL,
    hash TEXT COLLATE "C" NOT NULL
);
