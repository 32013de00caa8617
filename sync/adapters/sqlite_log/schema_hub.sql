-- Facts as they came: one row an appended run.
CREATE TABLE IF NOT EXISTS arrival (
    pos     INTEGER PRIMARY KEY AUTOINCREMENT,
    stream  INTEGER NOT NULL,
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    hub_hlc INTEGER NOT NULL,
    header  BLOB              -- the 224 signed bytes; NULL for the hub's own facts
);
CREATE INDEX IF NOT EXISTS arrival_by_stream ON arrival (stream, first);

-- Runs, or what is left of them, that the digest has still to come to, in order of pos. A queue and not a cursor:
-- where several workers append, a lower pos may be committed after a higher one.
CREATE TABLE IF NOT EXISTS undigested (
    pos     INTEGER PRIMARY KEY,
    stream  INTEGER NOT NULL,
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    hub_hlc INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS entity_fact (
    etype  INTEGER NOT NULL,
    key    TEXT    NOT NULL,
    rev    INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    ord    INTEGER NOT NULL,
    line   INTEGER NOT NULL,
    seen   INTEGER NOT NULL,
    d      BLOB    NOT NULL,   -- running D after this fact
    known_at INTEGER NOT NULL, -- hub HLC of the digest's input: when the centre knew
    PRIMARY KEY (etype, key, rev)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS quarantine (
    id     INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    code   TEXT    NOT NULL,
    UNIQUE (stream, seq)
);

CREATE TABLE IF NOT EXISTS parked (
    stream INTEGER NOT NULL,
    first  INTEGER NOT NULL,
    raw    BLOB    NOT NULL,
    PRIMARY KEY (stream, first)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS evidence (
    id      INTEGER PRIMARY KEY,
    node    TEXT    NOT NULL,
    code    TEXT    NOT NULL,
    hub_hlc INTEGER NOT NULL,
    raw     BLOB    NOT NULL
);

CREATE TABLE IF NOT EXISTS feed (
    label TEXT PRIMARY KEY,
    sseq  INTEGER NOT NULL,
    e     BLOB    NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS feed_entry (
    label TEXT    NOT NULL,
    sseq  INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    e     BLOB    NOT NULL,
    entry BLOB    NOT NULL,
    PRIMARY KEY (label, sseq)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS feed_member (
    label TEXT    NOT NULL,
    etype INTEGER NOT NULL,
    key   TEXT    NOT NULL,
    floor BLOB    NOT NULL,
    PRIMARY KEY (label, etype, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS feed_member_by_entity ON feed_member (etype, key);

-- Entities past retention or shredded; what comes for them before `until` (hub HLC) is set aside.
CREATE TABLE IF NOT EXISTS gone (
    etype INTEGER NOT NULL,
    key   TEXT    NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (etype, key)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS segment (
    label TEXT    NOT NULL,
    epoch INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last  INTEGER NOT NULL,
    raw   BLOB    NOT NULL,
    PRIMARY KEY (label, epoch, first)
) WITHOUT ROWID;

-- What the hub knows of each node: who it is, what it holds, what it last told.
CREATE TABLE IF NOT EXISTS node (
    node           TEXT PRIMARY KEY,
    role           TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    suite          INTEGER NOT NULL,
    signing_public BLOB    NOT NULL,
    sealing_public BLOB    NOT NULL,
    key_id         BLOB    NOT NULL UNIQUE,
    state          TEXT    NOT NULL DEFAULT 'known',  -- known, rewound, frozen, revoked, closed
    scope_version  INTEGER NOT NULL DEFAULT 1,
    scopes         TEXT    NOT NULL DEFAULT '[]',
    tls_serial     TEXT,
    hello          BLOB,
    hello_at       INTEGER NOT NULL DEFAULT 0,
    seen_at        INTEGER NOT NULL DEFAULT 0,
    carrier        TEXT,
    enrolled_at    INTEGER NOT NULL
) WITHOUT ROWID;

-- Signing keys of nodes that changed theirs, the first one included; a node that never did has no row here.
-- until_ms: hub time from which it counts no more; NULL: nothing took its place.
CREATE TABLE IF NOT EXISTS node_key (
    node     TEXT    NOT NULL,
    key_id   BLOB    NOT NULL,
    public   BLOB    NOT NULL,
    said     BLOB,             -- what both keys said of the change; NULL: the first key, or known by the hub's own word
    tls      BLOB    NOT NULL, -- what its identity record says of the TLS key; zeros: not told
    since_ms INTEGER NOT NULL,
    until_ms INTEGER,
    PRIMARY KEY (node, key_id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS card (
    token_hash BLOB PRIMARY KEY,
    site       TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    scopes     TEXT    NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER,
    node       TEXT
) WITHOUT ROWID;

-- Process starts of each node as their first facts told them, in the order they came. line: 0 never forked.
CREATE TABLE IF NOT EXISTS opening (
    node        TEXT    NOT NULL,
    incarnation INTEGER NOT NULL,
    before      INTEGER,           -- NULL: the first start on a disk
    heads       BLOB    NOT NULL,  -- canonical list of [incarnation, lane, last, h]
    why         TEXT    NOT NULL,
    n           INTEGER NOT NULL,
    line        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (node, incarnation)
);
CREATE INDEX IF NOT EXISTS opening_by_before ON opening (node, before);

-- How far any hello said that a stream goes. What was told counts, whether or not it ever came.
CREATE TABLE IF NOT EXISTS told_head (
    node        TEXT    NOT NULL,
    incarnation INTEGER NOT NULL,
    lane        INTEGER NOT NULL,
    last        INTEGER NOT NULL,
    PRIMARY KEY (node, incarnation, lane)
);

-- Starts whose past is not the one the hub knows. verdict NULL: an operator has not said restored or copied yet.
CREATE TABLE IF NOT EXISTS fork (
    node        TEXT    NOT NULL,
    incarnation INTEGER NOT NULL,
    line        INTEGER NOT NULL,
    why         TEXT    NOT NULL,
    found_at    INTEGER NOT NULL,  -- hub HLC
    verdict     TEXT,              -- restored, copied, thawed
    settled_at  INTEGER,
    settled_by  TEXT,
    PRIMARY KEY (node, incarnation)
);

-- Facts that were folded at the place where they were issued again; their first place is named here.
CREATE TABLE IF NOT EXISTS reissued (
    node           TEXT    NOT NULL,
    incarnation    INTEGER NOT NULL,
    lane           INTEGER NOT NULL,
    seq            INTEGER NOT NULL,
    h              BLOB    NOT NULL,
    by_incarnation INTEGER NOT NULL,
    by_lane        INTEGER NOT NULL,
    by_seq         INTEGER NOT NULL,
    PRIMARY KEY (node, incarnation, lane, seq, h)
);
CREATE INDEX IF NOT EXISTS reissued_by_number ON reissued (node, lane, seq);
CREATE INDEX IF NOT EXISTS reissued_by_place ON reissued (node, by_incarnation, by_lane, by_seq);

-- A scope as of one position: a signed manifest, and the signed segments of the newest two.
CREATE TABLE IF NOT EXISTS snapshot (
    label    TEXT    NOT NULL,
    epoch    INTEGER NOT NULL,
    sseq     INTEGER NOT NULL,
    made_at  INTEGER NOT NULL,  -- hub's wall clock, ms
    manifest BLOB    NOT NULL,
    PRIMARY KEY (label, epoch, sseq)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS snapshot_segment (
    label TEXT    NOT NULL,
    epoch INTEGER NOT NULL,
    sseq  INTEGER NOT NULL,
    k     INTEGER NOT NULL,
    raw   BLOB    NOT NULL,
    PRIMARY KEY (label, epoch, sseq, k)
);

-- Leases the hub granted or was asked for. fields: the lease as it is told, or the ask that waits for a person.
-- incarnation, request: of the ask; none where nobody asked. free_ms: hub time from which a hold may be granted anew.
CREATE TABLE IF NOT EXISTS granted_lease (
    id          BLOB PRIMARY KEY,
    node        TEXT    NOT NULL,
    incarnation INTEGER,
    request     INTEGER,
    kind        INTEGER NOT NULL,
    resource    TEXT    NOT NULL,
    state       TEXT    NOT NULL,  -- asked, refused, open, void, closed
    granted_ms  INTEGER NOT NULL,
    free_ms     INTEGER NOT NULL DEFAULT 0,
    used        INTEGER NOT NULL DEFAULT 0,
    spent_s     INTEGER NOT NULL DEFAULT 0,
    fields      BLOB    NOT NULL,
    granted_by  TEXT,
    UNIQUE (node, incarnation, request)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS granted_lease_by_resource ON granted_lease (kind, resource, free_ms);

-- What a person must look at: uses of break-glass, and what two sides say differently. about: the fact's id.
CREATE TABLE IF NOT EXISTS lease_review (
    about      TEXT    NOT NULL,
    code       TEXT    NOT NULL,
    lease      BLOB    NOT NULL,
    resource   TEXT    NOT NULL,
    actor      TEXT,
    reason     TEXT,
    at_ms      INTEGER NOT NULL,
    settled_by TEXT,
    PRIMARY KEY (about, code)
) WITHOUT ROWID;

-- Streams with two histories: `good` is the last seq at which they agree, as far as the evidence shows.
CREATE TABLE IF NOT EXISTS frozen_stream (
    stream   INTEGER PRIMARY KEY,
    good     INTEGER NOT NULL,
    found_at INTEGER NOT NULL  -- hub HLC
);

-- Operators' orders to nodes, told again until the node shows that it has obeyed.
CREATE TABLE IF NOT EXISTS node_order (
    node        TEXT    NOT NULL,
    number      INTEGER NOT NULL,
    verb        INTEGER NOT NULL,
    incarnation INTEGER NOT NULL,
    lane        INTEGER NOT NULL,
    upto        INTEGER NOT NULL,
    held        INTEGER NOT NULL,
    h           BLOB    NOT NULL,
    choice      INTEGER NOT NULL,
    given_at    INTEGER NOT NULL,
    given_by    TEXT    NOT NULL,
    PRIMARY KEY (node, number)
);

-- Facts that will never come, each run named by an operator: the only exception to "nothing is lost".
CREATE TABLE IF NOT EXISTS loss (
    node        TEXT    NOT NULL,
    incarnation INTEGER NOT NULL,
    lane        INTEGER NOT NULL,
    first       INTEGER NOT NULL,
    last        INTEGER NOT NULL,
    why         TEXT    NOT NULL,  -- hole, rewound, discarded, closed
    reason      TEXT    NOT NULL,
    signed_at   INTEGER NOT NULL,
    signed_by   TEXT    NOT NULL,
    PRIMARY KEY (node, incarnation, lane, first)
);

-- Sealed bytes that nodes bring: asked for (began_at: when last), and held once whole. The bytes lie in the blob store.
CREATE TABLE IF NOT EXISTS blob (
    id       BLOB    PRIMARY KEY,
    node     TEXT    NOT NULL,
    bytes    INTEGER NOT NULL,
    began_at INTEGER NOT NULL,
    held_at  INTEGER
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS blob_unfinished ON blob (node) WHERE held_at IS NULL;

-- Streams whose node keeps nothing below `oldest` any more, while the hub ends before it: they wait for a person.
CREATE TABLE IF NOT EXISTS hole (
    stream INTEGER PRIMARY KEY,
    oldest INTEGER NOT NULL
);

-- Where a stream goes on after facts that were signed as lost: h at seq is the node's word.
CREATE TABLE IF NOT EXISTS anchor (
    stream INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    h      BLOB    NOT NULL,
    PRIMARY KEY (stream, seq)
);

-- Up to where each stream of a machine that was shut out counts.
CREATE TABLE IF NOT EXISTS last_good (
    node        TEXT    NOT NULL,
    incarnation INTEGER NOT NULL,
    lane        INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    PRIMARY KEY (node, incarnation, lane)
);
