-- The confirmed copy of an entity: a checkpoint (may be empty: rev0 = 0) and the facts above it. Neither is here while
-- nothing lies on top of a checkpoint that came down: then the row in `entity` is that checkpoint.
CREATE TABLE IF NOT EXISTS copy (
    etype        INTEGER NOT NULL,
    key          BLOB    NOT NULL,
    rev0         INTEGER NOT NULL,  -- rev of the checkpoint
    floor        BLOB    NOT NULL,
    seen         BLOB    NOT NULL,  -- canonical list of [node, incarnation, lane, highest seq]
    fold_version INTEGER NOT NULL,
    state        BLOB    NOT NULL,
    PRIMARY KEY (etype, key)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS copy_fact (
    etype       INTEGER NOT NULL,
    key         BLOB    NOT NULL,
    rev         INTEGER NOT NULL,
    node        TEXT    NOT NULL,
    incarnation INTEGER NOT NULL,
    lane        INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    ord         INTEGER NOT NULL,
    line        INTEGER NOT NULL,
    seen        INTEGER NOT NULL,
    fact        BLOB    NOT NULL,
    PRIMARY KEY (etype, key, rev)
) WITHOUT ROWID;

-- Own facts not yet covered by the copy. On an entity of no held scope (a courier's own rounds) they stay.
CREATE TABLE IF NOT EXISTS pending (
    etype       INTEGER NOT NULL,
    key         BLOB    NOT NULL,
    stream      INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    PRIMARY KEY (etype, key, stream, seq)
) WITHOUT ROWID;

-- Asked for an entity, it is asked label by label (`cursor` has them all): a second tree costs more than that.
CREATE TABLE IF NOT EXISTS member (
    label TEXT    NOT NULL,
    etype INTEGER NOT NULL,
    key   BLOB    NOT NULL,
    PRIMARY KEY (label, etype, key)
) WITHOUT ROWID;

-- Entities past retention or shredded: deleted here, and refused again until that hub HLC.
CREATE TABLE IF NOT EXISTS gone (
    etype INTEGER NOT NULL,
    key   BLOB    NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (etype, key)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS cursor (
    label      TEXT PRIMARY KEY,
    epoch      INTEGER NOT NULL,
    sseq       INTEGER NOT NULL,
    e          BLOB    NOT NULL,
    to_repair  INTEGER NOT NULL DEFAULT 1,
    checked_at INTEGER NOT NULL DEFAULT 0,  -- hub time (ms) of the last round that reached this position
    head_at    INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- How far the hub had signed, and when by its own time: what may be dropped by age. Forgotten with its epoch.
CREATE TABLE IF NOT EXISTS mark (
    stream INTEGER NOT NULL,
    hour   INTEGER NOT NULL,
    upto   INTEGER NOT NULL,
    at_ms  INTEGER NOT NULL,
    PRIMARY KEY (stream, hour)
) WITHOUT ROWID;

-- The last signed acknowledgement of each stream, whole.
CREATE TABLE IF NOT EXISTS receipt (
    stream INTEGER PRIMARY KEY,
    raw    BLOB NOT NULL
);

-- A snapshot on its way: the signed manifest, and the segments that have come whole. Nobody sees it before it is applied.
CREATE TABLE IF NOT EXISTS staging (
    label    TEXT PRIMARY KEY,
    manifest BLOB    NOT NULL,
    rows     INTEGER NOT NULL,
    segments INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS staged (
    label TEXT    NOT NULL,
    k     INTEGER NOT NULL,
    raw   BLOB    NOT NULL,
    PRIMARY KEY (label, k)
) WITHOUT ROWID;

-- Leases as this box holds them. raw: the hub's signed word, erased when the lease is closed.
CREATE TABLE IF NOT EXISTS lease (
    id       BLOB PRIMARY KEY,
    number   INTEGER NOT NULL,  -- order of coming
    kind     INTEGER NOT NULL,
    resource TEXT    NOT NULL,
    state    TEXT    NOT NULL,
    used     INTEGER NOT NULL,
    began_ms INTEGER NOT NULL,  -- of the meter, as heard_ms
    heard_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,  -- hub time
    label    TEXT    NOT NULL,
    raw      BLOB    NOT NULL
) WITHOUT ROWID;

-- The meter by which leases last: one row.
CREATE TABLE IF NOT EXISTS lease_meter (
    id       INTEGER PRIMARY KEY,
    meter_ms INTEGER NOT NULL,
    boot_id  TEXT    NOT NULL,
    boot_ms  INTEGER NOT NULL,
    wall_ms  INTEGER NOT NULL,
    believed INTEGER NOT NULL
);

-- Own streams of which the hub signed for more than this disk has.
CREATE TABLE IF NOT EXISTS regain (
    incarnation INTEGER NOT NULL,
    lane        INTEGER NOT NULL,
    upto        INTEGER NOT NULL,
    PRIMARY KEY (incarnation, lane)
) WITHOUT ROWID;

-- What lay beyond the last good fact of a stream that was stopped: evidence, never sent.
CREATE TABLE IF NOT EXISTS behind (
    stream INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    h      BLOB    NOT NULL,
    status INTEGER NOT NULL,
    fact   BLOB    NOT NULL,
    PRIMARY KEY (stream, seq, h)
) WITHOUT ROWID;

-- Sealed bytes of this box on their way. state: 0 sealed here, 1 awaiting the hub's signature, 2 held there.
-- turn: previews first, then by age. The bytes lie in the box's blob folder.
CREATE TABLE IF NOT EXISTS blob_out (
    id    BLOB    PRIMARY KEY,
    bytes INTEGER NOT NULL,
    turn  INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Scopes whose mirror is not here for want of room: still held, and begun anew when there is room. bytes: what it took.
CREATE TABLE IF NOT EXISTS let_go (
    label    TEXT    PRIMARY KEY,
    at_ms    INTEGER NOT NULL,  -- wall clock
    entities INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    harm     INTEGER NOT NULL
) WITHOUT ROWID;
