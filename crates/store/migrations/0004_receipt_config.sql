-- The version of the configuration whose sites an edge says it serves; nothing where it reads a file of its own.
ALTER TABLE receipt ADD COLUMN config INTEGER;
