-- Snapshots of configurations, for enrolled edges alone: they name origins, so they are in no answer for people and in
-- no file. May be lost: the sites file is still there. One that nobody needs any more goes.
CREATE TABLE snapshot (
    hash  BLOB PRIMARY KEY CHECK (length(hash) = 32),
    bytes BLOB    NOT NULL,
    put   INTEGER NOT NULL
) STRICT;
