//! What is said to a database. Both understand the same text, but for how a JSON array becomes rows.
//!
//! Every statement names the columns it means, so that it goes on working while a newer release adds others.

/// The statements for a database that unpacks the array `$1` by `$items`, a table whose column `value` is an element.
macro_rules! statements {
    ($items:literal) => {
        /// One statement, so that all of it is of one moment: a row of the repository, and one for each role.
        pub(in crate::store) const HEAD: &str = "SELECT r.generation, r.snapshot_seconds, r.timestamp_seconds, \
            e.seq, e.made, e.actor, e.action, e.object, e.previous, e.hash, \
            NULL AS role, NULL AS version, NULL AS expires, NULL AS length, NULL AS sha256 \
            FROM repository AS r LEFT JOIN entry AS e ON e.seq = (SELECT max(seq) FROM entry) WHERE r.id = 1 \
            UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
            role, version, expires, length, sha256 FROM file WHERE newest";
        pub(in crate::store) const NEEDS: &str = "SELECT needs FROM repository WHERE id = 1";
        pub(in crate::store) const FILE: &str = "SELECT bytes FROM file WHERE role = $1 AND version = $2";
        pub(in crate::store) const LISTED: &str = "SELECT name, length, sha256, hardware_ids, line, release_counter \
            FROM listing WHERE role = $1 ORDER BY name";
        pub(in crate::store) const NAMED: &str = concat!(
            "SELECT role, name, length, sha256, hardware_ids, line, release_counter \
             FROM listing WHERE name IN (SELECT value ->> 0 FROM ",
            $items,
            ")"
        );
        pub(in crate::store) const HIGHEST: &str =
            concat!("SELECT line, highest FROM line WHERE line IN (SELECT value ->> 0 FROM ", $items, ")");
        pub(in crate::store) const LINES: &str = "SELECT line, highest FROM line";
        pub(in crate::store) const DELEGATORS: &str = "SELECT delegator FROM delegation WHERE role = $1";
        pub(in crate::store) const UNPUBLISHED: &str = "SELECT role, version, expires, bytes FROM file WHERE NOT published";
        pub(in crate::store) const HISTORY: &str = "SELECT role, version, expires FROM file WHERE bytes IS NOT NULL";
        pub(in crate::store) const ENTRIES: &str =
            "SELECT seq, made, actor, action, object, previous, hash FROM entry WHERE seq > $1 ORDER BY seq LIMIT $2";
        pub(in crate::store) const PUBLISHED: &str = concat!(
            "UPDATE file SET published = TRUE WHERE NOT published AND (role, version) IN \
             (SELECT value ->> 0, CAST(value ->> 1 AS BIGINT) FROM ",
            $items,
            ")"
        );
        pub(in crate::store) const PRUNE: &str = concat!(
            "UPDATE file SET bytes = NULL WHERE published AND NOT newest AND (role, version) IN \
             (SELECT value ->> 0, CAST(value ->> 1 AS BIGINT) FROM ",
            $items,
            ")"
        );
        pub(in crate::store) const ADVANCE: &str =
            "UPDATE repository SET generation = generation + 1 WHERE id = 1 AND generation = $1";
        /// Makes whoever marks files wait for those who change them: of two that wait for each other, one would fail.
        pub(in crate::store) const QUEUE: &str = "UPDATE repository SET id = id WHERE id = 1";
        pub(in crate::store) const LIFETIMES: &str =
            "UPDATE repository SET snapshot_seconds = $1, timestamp_seconds = $2 WHERE id = 1";
        /// A higher newest file stays, and then there is no room for another. The sign keeps databases from going through
        /// all versions that are lower.
        pub(in crate::store) const SUPERSEDE: &str =
            "UPDATE file SET newest = FALSE WHERE newest AND role = $1 AND +version < $2";
        pub(in crate::store) const ADD_FILE: &str =
            "INSERT INTO file (role, version, expires, length, sha256, published, newest, bytes) \
             VALUES ($1, $2, $3, $4, $5, FALSE, TRUE, $6)";
        pub(in crate::store) const LIST: &str = concat!(
            "INSERT INTO listing (role, name, length, sha256, hardware_ids, line, release_counter) \
             SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS BIGINT), value ->> 3, value ->> 4, value ->> 5, \
             CAST(value ->> 6 AS BIGINT) FROM ",
            $items,
            // Without it SQLite takes ON for a part of FROM.
            " WHERE TRUE ON CONFLICT (role, name) DO UPDATE SET length = excluded.length, sha256 = excluded.sha256, \
             hardware_ids = excluded.hardware_ids, line = excluded.line, release_counter = excluded.release_counter"
        );
        pub(in crate::store) const RAISE: &str = concat!(
            "INSERT INTO line (line, highest) SELECT value ->> 0, CAST(value ->> 1 AS BIGINT) FROM ",
            $items,
            " WHERE TRUE ON CONFLICT (line) DO UPDATE SET highest = excluded.highest \
             WHERE line.highest < excluded.highest"
        );
        pub(in crate::store) const UNLIST: &str = concat!(
            "DELETE FROM listing WHERE (role, name) IN (SELECT value ->> 0, value ->> 1 FROM ",
            $items,
            ")"
        );
        /// Adds nothing if the entry does not follow the last one.
        pub(in crate::store) const RECORD: &str = "INSERT INTO entry (seq, made, actor, action, object, previous, hash) \
            SELECT CAST($1 AS BIGINT), CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT), \
            CAST($6 AS TEXT), CAST($7 AS TEXT) \
            WHERE $1 = (SELECT coalesce(max(seq), 0) + 1 FROM entry) \
            AND $6 = coalesce((SELECT hash FROM entry WHERE seq = $1 - 1), \
            '0000000000000000000000000000000000000000000000000000000000000000')";
        pub(in crate::store) const UNDELEGATE: &str = "DELETE FROM delegation WHERE delegator = $1";
        pub(in crate::store) const DELEGATE: &str = concat!(
            "INSERT INTO delegation (delegator, role) SELECT value ->> 0, value ->> 1 FROM ",
            $items
        );
    };
}

pub(super) mod sqlite {
    statements!("json_each($1) AS items");
}

pub(super) mod postgres {
    statements!("json_array_elements($1::text::json) AS items (value)");
}
