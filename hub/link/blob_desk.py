"""Sealed bytes come in: what is missing, chunk by chunk, and a signature once the whole is what it is called.

Source: protocol way/1, section 7.2.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from hub.link.voice import Voice
from sync.adapters.blob_store import BlobStore
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.hub_store import HubStore, NodeRow
from sync.adapters.sqlite_log.node_store import load_state
from sync.domain.blobs.facts import BLOB
from sync.kernel.limits import BLOB_UNFINISHED_S_MAX, BLOBS_UNFINISHED_MAX, KEEP_ACKED_DAYS
from sync.kernel.outcome import PeerFault
from sync.protocol.blob import bitmap, chunk_bytes, chunks_of

DAY_MS = 24 * 3600 * 1000


class BlobDesk:
    """Answers for known machines; who calls is the caller's to check.

    `safe(blob)`: the two newest verified backups have it. Like facts, bytes may go 14 days after they were held.
    """

    def __init__(
        self,
        store: HubStore,
        voice: Voice,
        blobs: BlobStore,
        hash32: Callable[[bytes], bytes],
        safe: Callable[[bytes], bool] = lambda blob: False,
    ) -> None:
        self._store = store
        self._voice = voice
        self._blobs = blobs
        self._hash32 = hash32
        self._safe = safe

    def want(self, row: NodeRow, blob: bytes, size_bytes: int) -> bytes:
        """The bitmap of what is missing, all zero when nothing is.

        Raises PeerFault `blob.size` for an impossible size or another one than was told before, `blob.too-many`.
        """
        chunks = chunks_of(size_bytes)
        now_ms = self._store.clock.wall_ms()
        with self._store.write(step="blob.ask") as unit:
            known = unit.conn.execute("SELECT bytes FROM blob WHERE id = ?", (blob,)).fetchone()
            if known is not None and known[0] != size_bytes:
                raise PeerFault("blob.size")
            given_up = _forget_halves(unit.conn, row.node, now_ms, but=blob)
            if known is not None:
                unit.conn.execute("UPDATE blob SET began_at = ? WHERE id = ? AND held_at IS NULL", (now_ms, blob))
            else:
                held = unit.conn.execute(
                    "SELECT count(*) FROM blob WHERE node = ? AND held_at IS NULL", (row.node,)
                ).fetchone()[0]
                if held >= BLOBS_UNFINISHED_MAX:
                    raise PeerFault("blob.too-many")
                unit.conn.execute(
                    "INSERT INTO blob (id, node, bytes, began_at) VALUES (?, ?, ?, ?)",
                    (blob, row.node, size_bytes, now_ms),
                )
        for each in given_up:
            self._blobs.drop(each)
        return bitmap(self._blobs.missing(blob, chunks), chunks)

    def put(self, blob: bytes, n: int, data: bytes, digest: bytes) -> None:
        """Keep a chunk. Raises PeerFault `blob.unasked`, `blob.chunk`, `blob.chunk-size`, `blob.chunk-hash`."""
        size = self._asked(blob)
        if len(data) != chunk_bytes(size, n):
            raise PeerFault("blob.chunk-size")
        if not hmac.compare_digest(self._hash32(data), digest):
            raise PeerFault("blob.chunk-hash")
        self._blobs.put(blob, n, data)

    def finish(self, row: NodeRow, blob: bytes) -> bytes:
        """The signed word that the hub holds it. Raises PeerFault `blob.unasked`, `blob.id`."""
        size = self._asked(blob)
        if not self._blobs.finish(blob, chunks_of(size)):
            raise PeerFault("blob.id")
        with self._store.write(step="blob.hold") as unit:
            unit.conn.execute(
                "UPDATE blob SET held_at = ? WHERE id = ? AND held_at IS NULL", (self._store.clock.wall_ms(), blob)
            )
            held_at = unit.conn.execute("SELECT held_at FROM blob WHERE id = ?", (blob,)).fetchone()[0]
        old = held_at <= self._store.clock.wall_ms() - KEEP_ACKED_DAYS * DAY_MS
        return self._voice.ack(row.node, [], blobs=((blob, old and self._safe(blob)),))

    def chunk(self, row: NodeRow, blob: bytes, n: int) -> bytes | None:
        """A chunk for a machine that holds a scope of the entity it belongs to; None when there is none for it."""
        with self._store.read() as conn:
            if not _may_read(conn, row, blob):
                return None
        return self._blobs.chunk(blob, n)

    def _asked(self, blob: bytes) -> int:
        with self._store.read() as conn:
            known = conn.execute("SELECT bytes FROM blob WHERE id = ?", (blob,)).fetchone()
        if known is None:
            raise PeerFault("blob.unasked")
        return int(known[0])


def _forget_halves(conn: Connection, node: str, now_ms: int, *, but: bytes) -> list[bytes]:
    """Rows of this node's that were begun, never finished and not asked about for long; whose bytes may go."""
    rows = conn.execute(
        "DELETE FROM blob WHERE node = ? AND held_at IS NULL AND began_at < ? AND id <> ? RETURNING id",
        (node, now_ms - 1000 * BLOB_UNFINISHED_S_MAX, but),
    ).fetchall()
    return sorted(bytes(each) for (each,) in rows)


def _may_read(conn: Connection, row: NodeRow, blob: bytes) -> bool:
    state = load_state(conn, BLOB, blob.hex())
    if state is None or not state.size_bytes:
        return False
    placed = conn.execute(
        "SELECT label FROM feed_member WHERE etype = ? AND key = ? ORDER BY label", state.owner
    ).fetchall()
    return any(label in row.scopes for (label,) in placed)
