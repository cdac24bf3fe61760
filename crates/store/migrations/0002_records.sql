-- Blobs that a logged note names and that are not public: the assessment behind a finding, the record of referrals
-- behind a decision. Must not be lost: reviewers, appeals and courts read them, and nobody else has them.
CREATE TABLE record (
    hash  BLOB PRIMARY KEY CHECK (length(hash) = 32),
    bytes BLOB    NOT NULL,
    entry INTEGER NOT NULL
) STRICT;

-- Who put a pending blob, so that nobody fills the room of all. Empty: before this was written down.
ALTER TABLE pending ADD COLUMN put_by TEXT NOT NULL DEFAULT '';
