-- Outcomes as they are committed, many at once: a row each of a table costs ten times what it says.
CREATE TABLE batch (
    id       INTEGER PRIMARY KEY,
    run      INTEGER NOT NULL,
    outcomes BLOB NOT NULL                  -- 32 bytes each (`kept.rs`)
);

CREATE INDEX batch_run ON batch (run);

INSERT INTO batch (run, outcomes)
SELECT run, unhex(group_concat(printf(
    '%08X%08X%08X%016X%016X%02X%02X%02X%02X', place, detail, attempts, elapsed, coalesce(finished_at, 1 << 63),
    CASE status WHEN 'ok' THEN 0 WHEN 'sent' THEN 1 WHEN 'rejected' THEN 2 WHEN 'unreachable' THEN 3
        WHEN 'no_reply' THEN 4 WHEN 'bad_reply' THEN 5 WHEN 'mismatch' THEN 6 ELSE 7 END,
    CASE delivery WHEN 'none' THEN 0 WHEN 'unknown' THEN 1 ELSE 2 END,
    CASE reason WHEN 'interrupted' THEN 1 WHEN 'deadline' THEN 2 WHEN 'max_failures' THEN 3 WHEN 'held' THEN 4
        WHEN 'internal' THEN 5 ELSE 0 END,
    coalesce(verified + 1, 0) + 4 * coalesce(changed + 1, 0)
), ''))
FROM (SELECT * FROM outcome ORDER BY run, place) GROUP BY run;

DROP TABLE outcome;
