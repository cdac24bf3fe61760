-- What people did about a matter, entry after entry, each with the hash of the one before. Never changed and never lost:
-- reviewers, appeals and courts read it.
CREATE TABLE case_entry (
    case_id TEXT    NOT NULL REFERENCES case_row (id),
    seq     INTEGER NOT NULL,
    text    TEXT    NOT NULL,
    PRIMARY KEY (case_id, seq)
) STRICT;

-- What lists need of it; the entries say the same.
CREATE TABLE case_row (
    id     TEXT PRIMARY KEY,
    opened INTEGER NOT NULL,
    open   INTEGER NOT NULL CHECK (open IN (0, 1))
) STRICT;
CREATE INDEX case_list ON case_row (open, opened, id);

-- Which cases a cluster of reports is in.
CREATE TABLE case_reports (
    cluster TEXT NOT NULL REFERENCES cluster (id),
    case_id TEXT NOT NULL REFERENCES case_row (id),
    PRIMARY KEY (cluster, case_id)
) STRICT;
