-- The key of each sealed file in the folder evidence. Whoever takes the row away destroys what the file holds, in every
-- copy of it; the database must therefore not be kept longer than the evidence may be. Lost: the evidence is lost.
CREATE TABLE evidence_key (
    evidence TEXT PRIMARY KEY,
    key      BLOB NOT NULL CHECK (length(key) = 32)
) STRICT;
