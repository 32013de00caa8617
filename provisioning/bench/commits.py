"""The floors under our figures: what the database alone takes for one durable row or five hundred, and keys alone."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from sync.adapters.sqlite_log.connection import connect
from sync.kernel.suite import suite1


class BareCommit:
    """One row of a scan's size a commit: WAL and FULL, SQLCipher with the house's settings, and nothing else."""

    ROW_BYTES = 300

    def __init__(self, path: Path, key32: bytes) -> None:
        self._conn = connect(path, key32, writes=True)
        self._conn.execute("CREATE TABLE IF NOT EXISTS bare (n INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        self._body = random.Random(7).randbytes(self.ROW_BYTES)

    def once_s(self) -> float:
        """Seconds for one durable row."""
        began_s = time.perf_counter()
        self._conn.execute("INSERT INTO bare (body) VALUES (?)", (self._body,))
        return time.perf_counter() - began_s

    def close(self) -> None:
        self._conn.close()


class BareKeys:
    """What the keys of a lone fact's trip cost: sealed and signed, proved and opened, the answer signed and proved."""

    BODY_BYTES = 150

    def __init__(self) -> None:
        rng = random.Random(7)
        self._signing, self._sealing = rng.randbytes(32), rng.randbytes(32)
        self._public, self._seal_to = suite1.signing_public(self._signing), suite1.sealing_public(self._sealing)
        self._body = rng.randbytes(self.BODY_BYTES)

    def once_s(self) -> float:
        """Seconds for the six of them."""
        began_s = time.perf_counter()
        sealed = suite1.seal(self._seal_to, b"bench", self._body)
        signed = suite1.sign(self._signing, sealed)
        assert suite1.verify(self._public, sealed, signed)
        assert suite1.open(self._sealing, b"bench", sealed) == self._body
        assert suite1.verify(self._public, self._body, suite1.sign(self._signing, self._body))
        return time.perf_counter() - began_s


def events(n: int, size_bytes: int = 300, seed: int = 7) -> list[tuple[str, str]]:
    """(id, JSON of `size_bytes`, or a little more where its fields need it): what devices say. Invented."""
    rng = random.Random(seed)
    made = []
    for i in range(n):
        ident = f"{rng.getrandbits(128):032x}"
        kind, org, ward = rng.choice(("scan", "ticket", "call", "move", "print")), rng.randrange(40), rng.randrange(24)
        said = {"_id": ident, "t": kind, "at": 1763600000000 + i * 37, "org": f"app-{org:03d}", "ward": f"W{ward:02d}"}
        said["note"] = f"{rng.getrandbits(1000):0250x}"[
            : max(0, size_bytes - 10 - len(json.dumps(said, separators=(",", ":"))))
        ]
        made.append((ident, json.dumps(said, separators=(",", ":"))))
    return made


def insert_rate(path: Path, rows: Sequence[tuple[str, str]], per_commit: int = 500) -> float:
    """Rows a second into plain SQLite, WAL and FULL, `per_commit` rows a transaction: the ceiling of `sync`.

    Plain on purpose: it is the figure others quote. No file of a node is ever opened this way.
    """
    path.unlink(missing_ok=True)
    conn = sqlite3.connect(path, isolation_level=None)
    try:
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("PRAGMA synchronous = FULL")
        conn.execute("CREATE TABLE ev (id TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID")
        began_s = time.perf_counter()
        for at in range(0, len(rows), per_commit):
            conn.execute("BEGIN IMMEDIATE")
            conn.executemany("INSERT INTO ev (id, body) VALUES (?, ?)", rows[at : at + per_commit])
            conn.execute("COMMIT")
        return len(rows) / (time.perf_counter() - began_s)
    finally:
        conn.close()
