-- Runs and what became of each device in them.

-- The devices of a run, in its order. Runs over the same devices share one.
CREATE TABLE roster (
    id      INTEGER PRIMARY KEY,
    digest  BLOB NOT NULL UNIQUE,           -- SHA-256 of `devices`
    devices TEXT NOT NULL                   -- JSON: [[name, address, type, site, [tags]], …]
);

CREATE TABLE run (
    id          INTEGER PRIMARY KEY,
    run_id      TEXT NOT NULL UNIQUE,       -- a ULID
    inventory   TEXT NOT NULL,              -- its canonical path
    fleet       TEXT NOT NULL,
    schedule    TEXT,
    command     TEXT NOT NULL,              -- JSON, as in the report
    request     TEXT NOT NULL,              -- JSON: what else `rerun` must know
    simulated   INTEGER NOT NULL,
    version     TEXT NOT NULL,              -- of the fleetctl that recorded it
    roster      INTEGER NOT NULL REFERENCES roster (id),
    devices     INTEGER NOT NULL,           -- how many
    idempotent  BLOB NOT NULL,              -- a bit for each device: whether its command may be sent twice
    rerun_of    INTEGER,                    -- the run whose failures this one took
    owner       TEXT NOT NULL,              -- the process that recorded it
    started_at  INTEGER NOT NULL,           -- milliseconds since 1970, UTC
    -- From here on NULL until the run is over; what a killed run leaves stays NULL.
    finished_at INTEGER,
    elapsed_ms  INTEGER,
    ended       TEXT,
    ok          INTEGER,
    sent        INTEGER,
    rejected    INTEGER,
    unreachable INTEGER,
    no_reply    INTEGER,
    bad_reply   INTEGER,
    mismatch    INTEGER,
    skipped     INTEGER,
    flaky       INTEGER,
    attempts    INTEGER,
    held        INTEGER
);

CREATE INDEX run_rerun_of ON run (rerun_of) WHERE rerun_of IS NOT NULL;

CREATE TABLE outcome (
    run         INTEGER NOT NULL,
    place       INTEGER NOT NULL,           -- of the device in the roster
    status      TEXT NOT NULL,
    delivery    TEXT NOT NULL,
    reason      TEXT,
    verified    INTEGER,
    changed     INTEGER,
    attempts    INTEGER NOT NULL,
    elapsed     INTEGER NOT NULL,           -- tenths of a millisecond
    finished_at INTEGER,                    -- milliseconds since 1970, UTC
    detail      INTEGER NOT NULL,
    PRIMARY KEY (run, place)
) WITHOUT ROWID;

-- What the devices of a run said; most of them share one.
CREATE TABLE detail (
    run    INTEGER NOT NULL,
    number INTEGER NOT NULL,
    fields TEXT NOT NULL,                   -- JSON: sent, reply, value, file, error, earlier_errors, as in the report
    PRIMARY KEY (run, number)
) WITHOUT ROWID;

-- A command that must not be sent twice was about to be written: committed before its first byte.
CREATE TABLE intent (
    run   INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (run, place)
) WITHOUT ROWID;
