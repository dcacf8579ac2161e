-- Schedules whose last run could not start, until one does.
CREATE TABLE unstarted (
    inventory TEXT NOT NULL,                -- its canonical path
    schedule  TEXT NOT NULL,
    since     INTEGER NOT NULL,             -- the first time in a row; milliseconds since 1970, UTC
    PRIMARY KEY (inventory, schedule)
) WITHOUT ROWID;
