"""What was really produced and told, kept outside every node: the judges' own book.

A fact goes by its chain hash here: two histories may bear one number, and a disk may be copied or put back.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from hashlib import sha256

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.hub_orders import Loss
from sync.domain.fleet.facts import STREAM_OPENED
from sync.kernel.codec import decode_fact
from sync.kernel.ids import FactId
from sync.kernel.outcome import PeerFault

WITHHELD = 2


@dataclass(frozen=True, slots=True)
class Written:
    """A fact where its machine wrote it. `first_h`: of the first writing, where it was issued again."""

    fid: FactId
    digest: bytes
    first_h: bytes | None
    opening: bool


class Ledger:
    """`written`: every fact that ever lay on a box's disk, by chain hash. `told`: facts a person was answered for.

    `signed_as_lost`: what an operator gave up at a hub that was put back to before it since.
    """

    def __init__(self) -> None:
        self.written: dict[bytes, Written] = {}
        self.told: set[FactId] = set()
        self.signed_as_lost: set[Loss] = set()
        self.shut_out: dict[str, dict[tuple[int, int], int]] = {}
        self.scopes_of: dict[str, tuple[str, ...]] = {}
        self._on_disks: Counter[bytes] = Counter()
        self._disks: dict[str, dict[tuple[int, int], dict[int, bytes]]] = defaultdict(dict)

    def is_on_a_disk(self, h: bytes) -> bool:
        """False: the disks that had it were put back to before it, or are gone for good."""
        return self._on_disks[h] > 0

    def read_log(self, label: str, node: str, conn: Connection) -> None:
        """Take note of what one machine holds of its own since the last look."""
        disk = self._disks[label]
        for stream, incarnation, lane, last in conn.execute(
            "SELECT id, incarnation, lane, last FROM stream WHERE own > 0 ORDER BY id"
        ).fetchall():
            known = disk.setdefault((incarnation, lane), {})
            upto = max(known, default=0)
            if last <= upto:
                continue
            rows = conn.execute(
                "SELECT seq, h, status, fact FROM log WHERE stream = ? AND seq > ? ORDER BY seq", (stream, upto)
            )
            for seq, h, status, raw in rows:
                self._note(FactId(node, incarnation, lane, seq), bytes(h), status, bytes(raw))
                known[seq] = bytes(h)
                self._on_disks[bytes(h)] += 1

    def _note(self, fid: FactId, h: bytes, status: int, raw: bytes) -> None:
        if h in self.written:
            return
        first_h, opening = None, False
        if status != WITHHELD:
            try:
                fact = decode_fact(raw)
            except PeerFault:
                fact = None
            if fact is not None:
                first_h = None if fact.reissue_of is None else fact.reissue_of[3]
                opening = fact.kind == STREAM_OPENED
        self.written[h] = Written(fid, raw if status == WITHHELD else sha256(raw).digest(), first_h, opening)

    def disk_put_back(self, label: str, node: str, conn: Connection) -> None:
        """The disk of `label` now holds only what `conn` shows: what else it once held may be gone for good."""
        self.disk_gone(label)
        self.read_log(label, node, conn)

    def disk_gone(self, label: str) -> None:
        """A machine that nobody will ever start again: what only it held is gone with it."""
        for known in self._disks.pop(label, {}).values():
            self._on_disks.subtract(known.values())
