-- Alarms being called, from when the need was seen until it is gone, is acknowledged for too long, or all were called in
-- vain and it begins again. Lost: whoever is needed is called once more from the beginning. Decides nothing.
CREATE TABLE page_round (
    id          INTEGER PRIMARY KEY,
    key         TEXT    NOT NULL,
    began       INTEGER NOT NULL,
    -- Nothing while it is open.
    ended       INTEGER,
    -- Who takes care, since when, and until when nobody is called.
    acked_by    TEXT,
    acked_at    INTEGER,
    acked_until INTEGER,
    CHECK ((acked_by IS NULL) = (acked_at IS NULL) AND (acked_by IS NULL) = (acked_until IS NULL))
) STRICT;
CREATE UNIQUE INDEX page_open ON page_round (key) WHERE ended IS NULL;
CREATE INDEX page_over ON page_round (ended) WHERE ended IS NOT NULL;

-- Who was called in it. Written before the call is made, so that a desk that dies calls once more and not for ever.
CREATE TABLE page_call (
    round    INTEGER NOT NULL REFERENCES page_round (id) ON DELETE CASCADE,
    step     INTEGER NOT NULL,
    state    TEXT    NOT NULL CHECK (state IN ('calling', 'done', 'failed')),
    attempts INTEGER NOT NULL,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    -- In words; of a call that is being made, nothing.
    outcome  TEXT    NOT NULL,
    PRIMARY KEY (round, step)
) STRICT;
