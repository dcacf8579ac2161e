-- Since when a process that runs all schedules has known each of them with the times that it has: what came before was
-- nobody's to run.
CREATE TABLE schedule (
    inventory TEXT NOT NULL,                -- its canonical path
    name      TEXT NOT NULL,
    times     TEXT NOT NULL,                -- its cron expression and its time zone
    since     INTEGER NOT NULL,             -- milliseconds since 1970, UTC
    PRIMARY KEY (inventory, name)
) WITHOUT ROWID;
