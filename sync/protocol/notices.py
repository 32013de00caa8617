"""Small words of the hub: where a scope's feed stands, what it could not use, what it orders.

Source: protocol way/1, section 4.2 (types), 6.5 (head) and 4.7 (order). Notice and order bodies are this page's own:
the protocol page names the types and leaves their fields open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sync.protocol.fields import COUNT, H16, INCARNATION, LANE, Fields, H, count, is_label, raw, text

FREEZE, THAW, VOID, WIPE = range(1, 5)
TELLING_MAX, TELLING_BYTES = 2048, 8
"""Of how many of a stream's last facts an order tells the hash, and how much of each."""
REISSUE, DISCARD = 1, 2
"""What becomes of facts behind a freeze."""

HELLO_WANTED = "hello-wanted"
"""Code of a notice to a node that the hub has something to say to, which a welcome says."""

_HEAD, _NOTICE, _ORDER = "head.body", "notice.body", "order.body"


def _is_telling(value: object) -> bool:
    return type(value) is bytes and len(value) <= TELLING_MAX * TELLING_BYTES and len(value) % TELLING_BYTES == 0


@dataclass(frozen=True, slots=True)
class ScopeHead:
    """A feed's last position: `sseq` with entry hash `e`, `root` over its 256 bucket values."""

    label: str
    sseq: int
    e: bytes
    root: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """All told from one transaction of the hub. `hub_time` is its HLC; the epoch is in the envelope."""

    scopes: tuple[ScopeHead, ...]
    hub_time: int

    def body(self) -> Mapping[int, Any]:
        """The numbered map."""
        return {1: [(s.label, s.sseq, s.e, s.root) for s in self.scopes], 2: self.hub_time}

    @classmethod
    def read(cls, body: object) -> Head:
        """Raises PeerFault `head.body`."""
        fields = Fields(body, _HEAD)
        rows = fields.rows(1, is_label, COUNT, H, H16)
        return cls(tuple(ScopeHead(*row) for row in rows), fields.one(2, COUNT))


@dataclass(frozen=True, slots=True)
class Notice:
    """A word that no acknowledgement can carry: the `code` that bytes failed with, or HELLO_WANTED.

    `about`: the body hash of those bytes, where they had one.
    """

    code: str
    hub_time: int
    about: bytes | None = None

    def body(self) -> Mapping[int, Any]:
        """The numbered map."""
        fields: dict[int, Any] = {1: self.code, 2: self.hub_time}
        if self.about is not None:
            fields[3] = self.about
        return fields

    @classmethod
    def read(cls, body: object) -> Notice:
        """Raises PeerFault `notice.body`."""
        fields = Fields(body, _NOTICE)
        return cls(fields.one(1, text(60)), fields.one(2, COUNT), fields.one(3, raw(32), None))


@dataclass(frozen=True, slots=True)
class Order:
    """An operator's word, by the hub's key. `verb` is FREEZE, THAW, VOID or WIPE; no stream: the whole node.

    `upto`: last seq at which both histories of a stream agree. `choice` of a thaw: REISSUE or DISCARD. `held`: how far
    the hub holds the stream, `h` its hash there; `lost`: up to where DISCARD gives facts up, what was written later is
    issued again; `telling`: the first 8 bytes of the hub's hash at each of the last facts up to `held` (numbers 6 to 9,
    which the page leaves open). `number` only rises.
    """

    number: int
    verb: int
    stream: tuple[int, int] | None = None
    upto: int = 0
    choice: int = REISSUE
    held: int = 0
    h: bytes = bytes(32)
    lost: int = 0
    telling: bytes = b""

    def body(self) -> Mapping[int, Any]:
        """The numbered map."""
        fields: dict[int, Any] = {1: self.number, 2: self.verb, 4: self.upto, 5: self.choice}
        if self.stream is not None:
            fields[3] = self.stream
        if self.held:
            fields |= {6: self.held, 7: self.h}
        if self.lost:
            fields[8] = self.lost
        if self.telling:
            fields[9] = self.telling
        return fields

    @classmethod
    def read(cls, body: object) -> Order:
        """Raises PeerFault `order.body`."""
        fields = Fields(body, _ORDER)
        stream = fields.row(3, INCARNATION, LANE)
        return cls(
            number=fields.one(1, COUNT),
            verb=fields.one(2, count(WIPE, FREEZE)),
            stream=None if stream is None else (stream[0], stream[1]),
            upto=fields.one(4, COUNT, 0),
            choice=fields.one(5, count(DISCARD, REISSUE), REISSUE),
            held=fields.one(6, COUNT, 0),
            h=fields.one(7, H, bytes(32)),
            lost=fields.one(8, COUNT, 0),
            telling=fields.one(9, _is_telling, b""),
        )

    def agreed(self, hash_at: Callable[[int], bytes | None]) -> int:
        """The last seq at which the hub's history is the one that `hash_at` tells; None: not held there.

        What differs before all that the order tells of is not known better than `upto` says.
        """
        n = len(self.telling) // TELLING_BYTES
        for i in reversed(range(n)):
            own = hash_at(self.held - n + 1 + i)
            if own is not None and own.startswith(self.telling[i * TELLING_BYTES : (i + 1) * TELLING_BYTES]):
                return self.held - n + 1 + i
        return min(self.upto, self.held - n) if n else self.upto
