-- Mails that go out. What becomes of one decides nothing; who writes here can lose or invent mails, never a block.
-- A row is never removed: it is how we know that this was told already. What says to whom and what goes 30 days after
-- the mail was sent or given up.
CREATE TABLE mail (
    id         INTEGER PRIMARY KEY,
    kind       TEXT    NOT NULL,
    -- The note, or the reports with the number of the decision on them.
    about      TEXT    NOT NULL,
    -- The report whose sender is told, or the word `customer`. No address and no id of a customer: it stays when the
    -- address is gone, and when nobody may know any more whom a decision was about.
    who        TEXT    NOT NULL,
    message_id TEXT    NOT NULL,
    urgent     INTEGER NOT NULL CHECK (urgent IN (0, 1)),
    state      TEXT    NOT NULL CHECK (state IN ('queued', 'sent', 'failed', 'dropped')),
    queued     INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    -- Not tried before.
    next       INTEGER NOT NULL,
    -- When it was sent, given up or dropped.
    settled    INTEGER,
    error      TEXT,
    recipient  TEXT,
    subject    TEXT,
    body       TEXT,
    UNIQUE (kind, about, who),
    CHECK ((state = 'queued') = (settled IS NULL)),
    CHECK (state <> 'queued' OR (recipient IS NOT NULL AND subject IS NOT NULL AND body IS NOT NULL))
) STRICT;
CREATE INDEX mail_due ON mail (urgent DESC, next, id) WHERE state = 'queued';
CREATE INDEX mail_known ON mail (settled) WHERE recipient IS NOT NULL AND settled IS NOT NULL;
CREATE INDEX mail_recipient ON mail (recipient COLLATE NOCASE, queued) WHERE recipient IS NOT NULL;
CREATE INDEX mail_kind ON mail (kind, queued);
CREATE INDEX mail_about ON mail (about);
CREATE INDEX mail_state ON mail (state, id);

-- Where customers are told. It stands here and not in the sites file: that one goes to every edge and, by its hash, into
-- the log, and what is in there can never be forgotten.
CREATE TABLE contact (
    customer TEXT PRIMARY KEY,
    address  TEXT    NOT NULL,
    language TEXT    NOT NULL,
    since    INTEGER NOT NULL
) STRICT;
