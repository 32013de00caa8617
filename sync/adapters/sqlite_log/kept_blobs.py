"""A box's sealed bytes until the hub has signed for them: described, sent in turn, never dropped by a mere answer.

Source: protocol way/1, section 7.2 and the table "Blob transfer" of section 9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from sync.adapters.blob_store import BlobStore
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.node_store import Unit, count
from sync.domain.blobs.facts import described
from sync.kernel.fact import Key
from sync.kernel.limits import PREVIEW_BYTES_MAX
from sync.kernel.outcome import Unavailable
from sync.protocol.blob import blob_id, cut

SEALED, AWAITING, HELD, ONLY_THERE = 0, 1, 2, 3
_PREVIEW_TURN = -(2**40)


class Waiting(NamedTuple):
    """A blob whose turn it is."""

    blob: bytes
    bytes: int


class KeptBlobs:
    """Bytes first, then the row: what a row names is on disk. Thread-safe as the store is."""

    def __init__(self, store: ApplianceStore, bytes_in: BlobStore, hash32: Callable[[bytes], bytes]) -> None:
        self._store = store
        self.bytes_in = bytes_in
        self._hash32 = hash32

    def start(self) -> None:
        """After a process began: what waited for a signature is asked again, bytes that nobody described go.

        A disk that takes nothing now does not keep the process from starting: who sends asks again every minute.
        """
        with suppress(Unavailable):
            self.ask_again()
        with self._store.read() as conn:
            named = {row[0] for row in conn.execute("SELECT id FROM blob_out").fetchall()}
        for blob in list(self.bytes_in.finished()):
            if blob not in named:
                self.bytes_in.drop(blob)

    def ask_again(self) -> None:
        """The hub took them and its signature never came: their turn comes once more."""
        with self._store.read() as conn:
            if conn.execute("SELECT 1 FROM blob_out WHERE state = ? LIMIT 1", (AWAITING,)).fetchone() is None:
                return
        with self._store.write(step="blob.start") as unit:
            unit.conn.execute("UPDATE blob_out SET state = ? WHERE state = ?", (SEALED, AWAITING))

    def stage(self, sealed: bytes) -> bytes:
        """Put sealed bytes on disk; their name, for `describe` in the transaction that tells of them.

        Raises Unavailable when the disk does not take them.
        """
        parts = list(cut(sealed))
        blob = blob_id(map(self._hash32, parts), self._hash32)
        for n, data in enumerate(parts):
            self.bytes_in.put(blob, n, data)
        whole = self.bytes_in.finish(blob, len(parts))
        assert whole, "the name was made from these very bytes"
        return blob

    def describe(
        self,
        unit: Unit,
        blob: bytes,
        media_type: str,
        owner: tuple[int, Key],
        *,
        page: int | None = None,
        key_id: bytes | None = None,
        preview: bytes | None = None,
    ) -> None:
        """The fact and the turn of staged bytes. A `preview` is a staged blob of at most 40 KB that goes first."""
        size = self.bytes_in.size(blob)
        assert size is not None, "stage first"
        unit.append(described(blob, size, media_type, owner, page=page, key_id=key_id, preview=preview))
        self._queue(unit, blob, size, 0)
        if preview is not None:
            small = self.bytes_in.size(preview)
            assert small is not None and small <= PREVIEW_BYTES_MAX
            self._queue(unit, preview, small, _PREVIEW_TURN)

    def _queue(self, unit: Unit, blob: bytes, size: int, base: int) -> None:
        last = unit.conn.execute("SELECT coalesce(max(turn), 0) + 1 FROM blob_out WHERE turn >= 0").fetchone()[0]
        unit.conn.execute(
            "INSERT INTO blob_out (id, bytes, turn) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING",
            (blob, size, base + last),
        )

    def next(self) -> Waiting | None:
        """Whose turn it is; None when everything is on its way or there."""
        with self._store.read() as conn:
            row = conn.execute(
                "SELECT id, bytes FROM blob_out WHERE state = ? ORDER BY turn, id LIMIT 1", (SEALED,)
            ).fetchone()
        return None if row is None else Waiting(*row)

    def waiting(self) -> list[Waiting]:
        """Whatever the hub has not signed for, in the order of their turns."""
        with self._store.read() as conn:
            rows = conn.execute("SELECT id, bytes FROM blob_out WHERE state < ? ORDER BY turn, id", (HELD,)).fetchall()
        return [Waiting(bytes(row[0]), row[1]) for row in rows]

    def chunk(self, blob: bytes, n: int) -> bytes:
        """A chunk of a kept blob."""
        data = self.bytes_in.chunk(blob, n)
        assert data is not None, "what a row names is on disk"
        return data

    def accepted(self, blob: bytes) -> None:
        """The hub has taken the last of it; its signature is on its way."""
        with self._store.write(step="blob.mark") as unit:
            unit.conn.execute("UPDATE blob_out SET state = ? WHERE id = ? AND state = ?", (AWAITING, blob, SEALED))

    def put_off(self, blob: bytes, code: str) -> None:
        """The hub refused it with this code: everything else goes first, and the refusal is counted for the screen."""
        with self._store.write(step="blob.mark") as unit:
            unit.conn.execute(
                "UPDATE blob_out SET turn = (SELECT max(turn) + 1 FROM blob_out) WHERE id = ? AND state = ?",
                (blob, SEALED),
            )
            count(unit.conn, f"refused.{code}"[:60], self._store.clock.wall_ms())

    def signed(self, blobs: Iterable[tuple[bytes, bool]]) -> None:
        """The hub signed that it holds these. `safe`: a verified backup has it too, so the bytes here may go."""
        told = list(blobs)
        if not told:
            return
        with self._store.write(step="blob.mark") as unit:
            for blob, safe in told:
                unit.conn.execute(
                    "UPDATE blob_out SET state = ? WHERE id = ? AND state <> ?",
                    (ONLY_THERE if safe else HELD, blob, ONLY_THERE),
                )
                if safe:
                    unit.on_commit(partial(self.bytes_in.drop, blob))

    def held(self, at_most: int) -> list[bytes]:
        """Blobs that the hub holds and whose bytes are still here, those of the longest ago first."""
        with self._store.read() as conn:
            rows = conn.execute(
                "SELECT id FROM blob_out WHERE state = ? ORDER BY turn, id LIMIT ?", (HELD, at_most)
            ).fetchall()
        return [bytes(row[0]) for row in rows]

    def not_there(self, blob: bytes) -> None:
        """The hub said it holds it and does not: its turn comes again."""
        with self._store.write(step="blob.mark") as unit:
            unit.conn.execute("UPDATE blob_out SET state = ? WHERE id = ? AND state = ?", (SEALED, blob, HELD))

    def held_bytes(self) -> int:
        """What the blobs take here that the hub holds, safe or not."""
        with self._store.read() as conn:
            row = conn.execute("SELECT coalesce(sum(bytes), 0) FROM blob_out WHERE state = ?", (HELD,)).fetchone()
        return int(row[0])

    def let_go(self, bytes_wanted: int) -> int:
        """For want of room: of those that the hub holds, the ones of the longest ago go. Returns how many."""
        count = freed = 0
        with self._store.write(step="blob.drop") as unit:
            rows = unit.conn.execute("SELECT id, bytes FROM blob_out WHERE state = ? ORDER BY turn, id", (HELD,))
            for blob, size in rows.fetchall():
                if freed >= bytes_wanted:
                    break
                freed += size
                count += 1
                unit.conn.execute("UPDATE blob_out SET state = ? WHERE id = ?", (ONLY_THERE, blob))
                unit.on_commit(partial(self.bytes_in.drop, bytes(blob)))
        return count

    def left(self) -> tuple[int, int]:
        """(blobs, bytes) that the hub has not signed for."""
        with self._store.read() as conn:
            row = conn.execute("SELECT count(*), coalesce(sum(bytes), 0) FROM blob_out WHERE state < ?", (HELD,))
            found = row.fetchone()
        return int(found[0]), int(found[1])
