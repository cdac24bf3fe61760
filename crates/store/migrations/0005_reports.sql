-- Reports that say the same. What became of a cluster is told to everybody who reported it. Must not be lost: it is what
-- people were promised an answer to. Counts decide nothing.
CREATE TABLE cluster (
    id       TEXT PRIMARY KEY,
    category TEXT    NOT NULL,
    severity INTEGER NOT NULL,
    host     TEXT,
    customer TEXT,
    exact    BLOB    NOT NULL CHECK (length(exact) = 32),
    -- Four bytes for each pair of words.
    pairs    BLOB    NOT NULL,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    reports  INTEGER NOT NULL,
    -- 1 while nobody has decided.
    open     INTEGER NOT NULL CHECK (open IN (0, 1))
) STRICT;
CREATE INDEX cluster_like ON cluster (category, host, last);
CREATE INDEX cluster_queue ON cluster (open, severity DESC, first, id);

-- The reports themselves, with whatever their reporters said about themselves.
CREATE TABLE report (
    id       TEXT PRIMARY KEY,
    cluster  TEXT    NOT NULL REFERENCES cluster (id),
    received INTEGER NOT NULL,
    secret   BLOB    NOT NULL CHECK (length(secret) = 32),
    text     TEXT    NOT NULL
) STRICT;
CREATE INDEX report_cluster ON report (cluster, received, id);

-- Who decided what of a cluster, in words for its reporters. Nothing is overwritten; the last one counts.
CREATE TABLE cluster_outcome (
    cluster TEXT    NOT NULL REFERENCES cluster (id),
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    decider TEXT    NOT NULL,
    -- Nothing: it was opened again.
    outcome TEXT,
    reply   TEXT    NOT NULL,
    PRIMARY KEY (cluster, seq)
) STRICT;
