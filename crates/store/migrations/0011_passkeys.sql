-- Passkeys of whoever holds a token, for the console. Lost: people log in with a new one; decisions are signed by keys
-- that the policy names, and those stand in the ledger.
CREATE TABLE passkey (
    -- The credential's id, as the authenticator made it.
    credential BLOB    PRIMARY KEY CHECK (length(credential) BETWEEN 1 AND 1023),
    -- The name of the token that it stands for, with its role.
    token      TEXT    NOT NULL,
    -- The key as a policy would write it.
    vkey       TEXT    NOT NULL UNIQUE,
    -- What the library for WebAuthn keeps of it (JSON).
    kept       TEXT    NOT NULL,
    created    INTEGER NOT NULL
) STRICT;
CREATE INDEX passkey_of ON passkey (token);

-- Links under which one passkey can be enrolled, by the hash of their secret.
CREATE TABLE passkey_link (
    secret BLOB    PRIMARY KEY CHECK (length(secret) = 32),
    token  TEXT    NOT NULL,
    until  INTEGER NOT NULL
) STRICT;

-- Who is logged in, by the hash of what their browser holds. Lost: they log in again.
CREATE TABLE session (
    secret     BLOB    PRIMARY KEY CHECK (length(secret) = 32),
    credential BLOB    NOT NULL REFERENCES passkey (credential) ON DELETE CASCADE,
    until      INTEGER NOT NULL
) STRICT;
