-- Rooms in which authorities answer. The press reads them, and nothing else of a case. Lost: the authority is told again.
CREATE TABLE room (
    referral TEXT PRIMARY KEY,
    case_id  TEXT    NOT NULL REFERENCES case_row (id),
    -- Hashes of the secret in the link and of the code that is given by phone.
    secret   BLOB    NOT NULL CHECK (length(secret) = 32),
    code     BLOB    NOT NULL CHECK (length(code) = 32),
    letter   TEXT    NOT NULL,
    closes   INTEGER NOT NULL
) STRICT;

-- What was said there, both ways; the journal of the case says the same.
CREATE TABLE room_line (
    referral TEXT    NOT NULL REFERENCES room (referral),
    seq      INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    -- What they answered; nothing when it is ours.
    answer   TEXT,
    what     TEXT    NOT NULL,
    PRIMARY KEY (referral, seq)
) STRICT;

-- Answers that were taken from the inbox, so that none is written down twice.
CREATE TABLE room_taken (id TEXT PRIMARY KEY) STRICT;
