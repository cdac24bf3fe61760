-- Who pressed for a decision or against it. Counted in public, by month; nothing of a case or a note refers to it.
CREATE TABLE register (
    seq      INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    by       TEXT    NOT NULL,
    happened INTEGER NOT NULL,
    party    TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    side     TEXT    NOT NULL,
    customer TEXT,
    what     TEXT    NOT NULL
) STRICT;
