-- Notifications that could not be sent, and are tried again.
CREATE TABLE letter (
    inventory    TEXT NOT NULL,             -- its canonical path
    id           TEXT NOT NULL,
    run          TEXT,                      -- the run that it tells of
    notification TEXT NOT NULL,
    letter       TEXT NOT NULL,             -- JSON
    tries        INTEGER NOT NULL,
    next_at      INTEGER NOT NULL,          -- milliseconds since 1970, UTC
    give_up_at   INTEGER NOT NULL,
    error        TEXT NOT NULL,
    PRIMARY KEY (inventory, id)
) WITHOUT ROWID;

-- Who could not be told of a run, and why.
CREATE TABLE untold (
    run          TEXT NOT NULL,             -- its ULID
    notification TEXT NOT NULL,
    error        TEXT NOT NULL,
    PRIMARY KEY (run, notification)
) WITHOUT ROWID;

CREATE INDEX run_schedule ON run (inventory, schedule) WHERE schedule IS NOT NULL;
