-- The Director's store. Every table a check-in touches starts its key with the vehicle, so that it can be sharded by it.
-- Ids and digests are text as in signed files; times are seconds since 1970; numbers fit 2^53.

CREATE TABLE root (
    version INTEGER PRIMARY KEY,
    file    BLOB NOT NULL
) STRICT;

-- One row per epoch; the highest is in force.
CREATE TABLE epoch (
    daily              INTEGER PRIMARY KEY,
    daily_issued       INTEGER NOT NULL,
    monthly            INTEGER NOT NULL,
    monthly_issued     INTEGER NOT NULL,
    root               INTEGER NOT NULL REFERENCES root (version),
    format             INTEGER NOT NULL,
    timestamp_key      TEXT NOT NULL,
    snapshot_key       TEXT NOT NULL,
    targets_key        TEXT NOT NULL,
    time_key           TEXT NOT NULL,
    timestamp_lifetime INTEGER NOT NULL,
    targets_lifetime   INTEGER NOT NULL
) STRICT;

-- What is trusted of the Image repository: one row.
CREATE TABLE image_repository (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    generation   INTEGER NOT NULL,
    root         BLOB NOT NULL,
    timestamp    BLOB,
    snapshot     BLOB,
    targets      BLOB
) STRICT;
INSERT INTO image_repository (id, generation, root) VALUES (1, 0, x'');

CREATE TABLE vehicle (
    vehicle          TEXT PRIMARY KEY,
    vin              TEXT UNIQUE,
    certificate      TEXT NOT NULL UNIQUE,
    primary_ecu      TEXT NOT NULL,
    registered       INTEGER NOT NULL,
    content_seq      INTEGER NOT NULL,
    manifest_digest  TEXT,
    manifest_counter INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE ecu (
    vehicle            TEXT NOT NULL REFERENCES vehicle (vehicle),
    ecu                TEXT NOT NULL,
    hardware           TEXT NOT NULL,
    verification       TEXT NOT NULL,
    public_key         TEXT NOT NULL,
    installed_name     TEXT,
    installed_length   INTEGER,
    installed_sha256   TEXT,
    installed_line     TEXT,
    installed_counter  INTEGER,
    report_digest      TEXT,
    report_counter     INTEGER,
    report_time        INTEGER,
    report_result      TEXT,
    report_attack      TEXT,
    unreachable        INTEGER,
    PRIMARY KEY (vehicle, ecu)
) STRICT, WITHOUT ROWID;

-- What an ECU shall run: the Image repository's words about the image, kept when it was assigned.
CREATE TABLE desired (
    vehicle   TEXT NOT NULL,
    ecu       TEXT NOT NULL,
    name      TEXT NOT NULL,
    length    INTEGER NOT NULL,
    sha256    TEXT,
    sha512    TEXT,
    hardware  TEXT NOT NULL, -- ids separated by spaces, which no id contains
    line      TEXT NOT NULL,
    counter   INTEGER NOT NULL,
    listed    INTEGER NOT NULL,
    PRIMARY KEY (vehicle, ecu),
    FOREIGN KEY (vehicle, ecu) REFERENCES ecu (vehicle, ecu)
) STRICT, WITHOUT ROWID;

-- Written in batches; apart from `vehicle`, whose rows are larger and change rarely.
CREATE TABLE seen (
    vehicle TEXT PRIMARY KEY REFERENCES vehicle (vehicle),
    at      INTEGER NOT NULL,
    counter INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Accepted manifests, by their counter.
CREATE TABLE manifest (
    vehicle  TEXT NOT NULL REFERENCES vehicle (vehicle),
    counter  INTEGER NOT NULL,
    received INTEGER NOT NULL,
    digest   TEXT NOT NULL,
    file     BLOB NOT NULL,
    PRIMARY KEY (vehicle, counter)
) STRICT;

-- Dropped requests, the last few of each vehicle.
CREATE TABLE refused (
    vehicle TEXT NOT NULL REFERENCES vehicle (vehicle),
    number  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    reason  TEXT NOT NULL,
    attack  TEXT,
    PRIMARY KEY (vehicle, number)
) STRICT;
