CREATE TABLE role_key (
    role TEXT PRIMARY KEY,
    file TEXT NOT NULL,
    public TEXT NOT NULL
) STRICT;

CREATE TABLE lifetime (
    role TEXT PRIMARY KEY,
    seconds INTEGER NOT NULL
) STRICT;

-- The primary key is what keeps a version from being used twice.
CREATE TABLE file (
    role TEXT NOT NULL,
    version INTEGER NOT NULL,
    expires TEXT NOT NULL,
    bytes BLOB NOT NULL,
    published INTEGER NOT NULL,
    PRIMARY KEY (role, version)
) STRICT;

CREATE TABLE image (
    name TEXT PRIMARY KEY,
    length INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    hardware_ids TEXT NOT NULL,
    line TEXT NOT NULL,
    release_counter INTEGER NOT NULL,
    listed INTEGER,
    published INTEGER NOT NULL
) STRICT;

-- Outlives the images of the line: a counter is never lowered.
CREATE TABLE line (
    line TEXT PRIMARY KEY,
    highest INTEGER NOT NULL
) STRICT;
