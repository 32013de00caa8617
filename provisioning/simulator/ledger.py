"""What was really produced and told, kept outside every node: the judges' own book."""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256

from sync.adapters.sqlite_log.connection import Connection
from sync.kernel.ids import FactId, StreamId

WITHHELD = 2


class Ledger:
    """`produced`: digest of every fact that ever lay on a box's disk. `told`: facts a person was answered for.

    `rolled_back`: facts that were on a disk which was put back to before them, or destroyed. `doubled`: streams in
    which one number was written twice, with two contents.
    """

    def __init__(self) -> None:
        self.produced: dict[FactId, bytes] = {}
        self.told: set[FactId] = set()
        self.rolled_back: set[FactId] = set()
        self.doubled: set[StreamId] = set()
        self.shut_out: dict[str, dict[tuple[int, int], int]] = {}
        self.scopes_of: dict[str, tuple[str, ...]] = {}
        self._read: dict[tuple[str, int, int], int] = defaultdict(int)

    def read_log(self, label: str, node: str, conn: Connection) -> None:
        """Take note of what one machine has written since the last look."""
        for stream, incarnation, lane, last in conn.execute(
            "SELECT id, incarnation, lane, last FROM stream WHERE own = 1 ORDER BY id"
        ).fetchall():
            known = self._read[label, incarnation, lane]
            if last <= known:
                continue
            rows = conn.execute(
                "SELECT seq, status, fact FROM log WHERE stream = ? AND seq > ? ORDER BY seq", (stream, known)
            )
            for seq, status, raw in rows:
                fid = FactId(node, incarnation, lane, seq)
                d = raw if status == WITHHELD else sha256(raw).digest()
                if self.produced.setdefault(fid, d) != d:
                    self.doubled.add(fid.stream)
            self._read[label, incarnation, lane] = last

    def disk_put_back(self, label: str, node: str, conn: Connection) -> None:
        """The disk of `label` now holds only what `conn` shows: what else it once held may be gone for good."""
        ends = {
            (row[0], row[1]): row[2] for row in conn.execute("SELECT incarnation, lane, last FROM stream WHERE own = 1")
        }
        for read_label, incarnation, lane in list(self._read):
            if read_label == label:
                end = ends.get((incarnation, lane), 0)
                for seq in range(end + 1, self._read[label, incarnation, lane] + 1):
                    self.rolled_back.add(FactId(node, incarnation, lane, seq))
                self._read[label, incarnation, lane] = end

    def disk_gone(self, label: str, node: str) -> None:
        """A machine that nobody will ever start again: what only it held is gone with it."""
        for read_label, incarnation, lane in list(self._read):
            if read_label == label:
                last = self._read[label, incarnation, lane]
                self.rolled_back.update(FactId(node, incarnation, lane, seq) for seq in range(1, last + 1))
