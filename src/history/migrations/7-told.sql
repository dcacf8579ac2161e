-- When somebody heard of a run after all who could not be told at first; milliseconds since 1970, UTC.
ALTER TABLE untold ADD COLUMN told_at INTEGER;
