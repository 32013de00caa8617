"""A fact: one thing that happened, written once by the node where it happened.

Field numbers and limits are the wire's. Source: protocol way/1, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sync.kernel.ids import FactId

Key = str | bytes
Body = Mapping[int, Any]


@dataclass(frozen=True, slots=True)
class Fact:
    """What a writer says happened; where it stands in a stream is told by the batch and the log, not by the fact.

    `hlc` is 48 bits of milliseconds since 1970 UTC and a 16-bit counter. `clock`: 0 not known since boot, 1 real-time
    clock, 2 synchronised in the last 24 h. `base`: (rev, first 8 bytes of D) of what the writer saw, None when it saw
    no such entity. `reissue_of`: (incarnation, lane, seq, hash, hlc).
    """

    kind: int
    version: int
    etype: int
    key: Key
    body: Body
    hlc: int
    clock: int = 1
    actor: str | None = None
    device: str | None = None
    scopes: tuple[str, ...] = ()
    base: tuple[int, bytes] | None = None
    lease: tuple[bytes, int] | None = None
    reissue_of: tuple[int, int, int, bytes, int] | None = None

    @property
    def sort_hlc(self) -> int:
        """The stamp that counts for order: of a fact issued again, the first one's."""
        return self.hlc if self.reissue_of is None else self.reissue_of[4]

    @property
    def at_ms(self) -> int:
        """The writer's claim of when, ms since 1970 UTC."""
        return self.sort_hlc >> 16

    def first_id(self, fid: FactId) -> FactId:
        """The id that counts once: of a fact issued again, the one under which it was first written."""
        return fid if self.reissue_of is None else FactId(fid.node, *self.reissue_of[:3])


def apart(h: bytes) -> int:
    """An incarnation that no process has, made of a fact's chain hash.

    It stands in a first place whose own number bears another fact at the hub, so that the two are not taken for one,
    and is the same on every machine that holds the fact.
    """
    return int.from_bytes(h[:8], "big") >> 1 or 1


@dataclass(frozen=True, slots=True)
class Annotation:
    """What the hub adds to a fact, once: everything fold may use beside the fact itself.

    Source: protocol way/1, section 3.1. `rev` is None for a fact the hub has not annotated yet (pending: it sorts as
    arriving last).
    """

    order: int
    rev: int | None
    line: int = 0
    seen: int = 0


@dataclass(frozen=True, slots=True)
class NewFact:
    """What decide returns: a fact before the store gave it time, place and writer.

    `lease`: (lease id, unit or fence) where the act needed one.
    """

    kind: int
    etype: int
    key: Key
    body: Body
    lease: tuple[bytes, int] | None = None
