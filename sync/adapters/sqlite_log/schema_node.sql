-- What every node has: its streams, the log of facts, the entities folded from them.
CREATE TABLE IF NOT EXISTS meta (
    name  TEXT PRIMARY KEY,
    value BLOB
) WITHOUT ROWID;

-- One row a stream. own = 1: written here; 2: this node's, given back by the hub. `acked` is the mark of the hub's signed acknowledgement.
CREATE TABLE IF NOT EXISTS stream (
    id          INTEGER PRIMARY KEY,
    node        TEXT    NOT NULL,
    incarnation INTEGER NOT NULL,
    lane        INTEGER NOT NULL,
    own         INTEGER NOT NULL,
    last        INTEGER NOT NULL DEFAULT 0,
    head        BLOB    NOT NULL,
    hlc         INTEGER NOT NULL DEFAULT 0,
    acked       INTEGER NOT NULL DEFAULT 0,
    acked_hlc   INTEGER NOT NULL DEFAULT 0,
    safe        INTEGER NOT NULL DEFAULT 0,
    state       INTEGER NOT NULL DEFAULT 0,  -- 0 open, 1 frozen, 2 waits for an operator
    line        INTEGER NOT NULL DEFAULT 0,
    UNIQUE (node, incarnation, lane)
);

-- status: 0 taken, 1 quarantined, 2 withheld (`fact` holds only the 32-byte digest)
CREATE TABLE IF NOT EXISTS log (
    stream INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    h      BLOB    NOT NULL,
    status INTEGER NOT NULL DEFAULT 0,
    fact   BLOB    NOT NULL,
    PRIMARY KEY (stream, seq)
) WITHOUT ROWID;

-- The state people see: fold over everything this node knows of the entity.
-- rev, d: of the confirmed copy. last_key: order key of the newest fact folded in.
CREATE TABLE IF NOT EXISTS entity (
    etype        INTEGER NOT NULL,
    key          TEXT    NOT NULL,
    rev          INTEGER NOT NULL,
    d            BLOB    NOT NULL,
    x            BLOB    NOT NULL,
    last_key     BLOB    NOT NULL,
    fold_version INTEGER NOT NULL,
    state        BLOB    NOT NULL,
    PRIMARY KEY (etype, key)
) WITHOUT ROWID;

-- Counted refusals and other things worth a number, by code; never what was refused.
CREATE TABLE IF NOT EXISTS tally (
    code    TEXT PRIMARY KEY,
    n       INTEGER NOT NULL,
    last_at INTEGER NOT NULL
) WITHOUT ROWID;
