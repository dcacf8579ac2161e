-- Devices that are kept out of runs.
CREATE TABLE hold (
    inventory TEXT NOT NULL,                -- its canonical path
    device    TEXT NOT NULL,
    until     INTEGER NOT NULL,             -- milliseconds since 1970, UTC: the end of the day
    until_day TEXT NOT NULL,                -- the day as it was given
    why       TEXT NOT NULL,
    since     INTEGER NOT NULL,
    PRIMARY KEY (inventory, device)
) WITHOUT ROWID;
