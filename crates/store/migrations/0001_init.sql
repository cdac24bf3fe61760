-- What people did. Times are unix seconds that came as arguments: no trigger and no DEFAULT reads the
-- database's clock. Hashes are 32-byte blobs. The ledger itself is files, not rows: here stands only its head.

-- The head of the ledger. Trusted by nobody but the sequencer; it must never be rolled back (a rolled-back head
-- would let the log key sign a second tree), which is why it is compared with the checkpoint file before each plan.
CREATE TABLE head (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    trust      TEXT    NOT NULL,
    origin     TEXT    NOT NULL,
    size       INTEGER NOT NULL CHECK (size >= 0),
    root       BLOB    NOT NULL CHECK (length(root) = 32),
    logged     INTEGER NOT NULL,
    checkpoint BLOB    NOT NULL
) STRICT;

-- The one unfinished plan of publication. Its only possible key is the sequencer's lock. Lost: the note must be
-- published again by hand, unless the head already moved; then the checkpoint in `head` completes it.
CREATE TABLE plan (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    text  TEXT NOT NULL,
    draft TEXT
) STRICT;

-- Notes being signed. May be lost (people sign again); untrusted, because every signature is checked by the fold.
CREATE TABLE draft (
    id        TEXT PRIMARY KEY,
    kind      TEXT    NOT NULL,
    text      TEXT    NOT NULL,
    created   INTEGER NOT NULL,
    state     TEXT    NOT NULL CHECK (state IN ('collecting', 'published', 'void')),
    log_index INTEGER,
    CHECK ((state = 'published') = (log_index IS NOT NULL))
) STRICT;
CREATE INDEX draft_newest ON draft (created DESC, id DESC);

CREATE TABLE signature (
    draft    TEXT    NOT NULL REFERENCES draft (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    line     TEXT    NOT NULL,
    PRIMARY KEY (draft, position),
    UNIQUE (draft, line)
) STRICT;

-- Blobs that no published entry needs yet. May be lost: whoever put them puts them again.
CREATE TABLE pending (
    hash    BLOB    PRIMARY KEY CHECK (length(hash) = 32),
    bytes   BLOB    NOT NULL,
    created INTEGER NOT NULL
) STRICT;

-- Edges whose receipts we listen to. Lost: enrol again; nothing on any edge changes.
CREATE TABLE edge (
    name     TEXT PRIMARY KEY,
    vkey     TEXT    NOT NULL,
    enrolled INTEGER NOT NULL
) STRICT;

-- The newest receipt of each edge, with the signed note it came from.
CREATE TABLE receipt (
    edge      TEXT PRIMARY KEY REFERENCES edge (name) ON DELETE CASCADE,
    note      BLOB    NOT NULL,
    at        INTEGER NOT NULL,
    size      INTEGER NOT NULL,
    root      BLOB    NOT NULL CHECK (length(root) = 32),
    effective BLOB    NOT NULL CHECK (length(effective) = 32),
    measures  TEXT    NOT NULL,
    refused   INTEGER NOT NULL,
    stale     INTEGER NOT NULL CHECK (stale IN (0, 1))
) STRICT;

-- When each edge first said that a decision is effective there, and when it first said that it no longer is.
CREATE TABLE edge_progress (
    edge     TEXT    NOT NULL REFERENCES edge (name) ON DELETE CASCADE,
    decision TEXT    NOT NULL,
    first    INTEGER NOT NULL,
    ended    INTEGER,
    PRIMARY KEY (decision, edge)
) STRICT;
CREATE INDEX edge_progress_running ON edge_progress (edge) WHERE ended IS NULL;

-- API tokens: the hash only. Who reads this table can do nothing with it.
CREATE TABLE token (
    sha256  BLOB PRIMARY KEY CHECK (length(sha256) = 32),
    name    TEXT    NOT NULL UNIQUE,
    scope   TEXT    NOT NULL,
    created INTEGER NOT NULL
) STRICT;

-- Answers kept for 24 hours so that a repeated request is not done twice. May be lost.
CREATE TABLE idempotency (
    key          TEXT PRIMARY KEY,
    request      BLOB    NOT NULL CHECK (length(request) = 32),
    status       INTEGER NOT NULL,
    content_type TEXT    NOT NULL,
    body         BLOB    NOT NULL,
    created      INTEGER NOT NULL
) STRICT;
CREATE INDEX idempotency_oldest ON idempotency (created);

-- How often something was refused, by a fixed word. May be lost.
CREATE TABLE refused (
    what  TEXT PRIMARY KEY,
    times INTEGER NOT NULL
) STRICT;
