"""Leases on the wire: what a node asks for, and what the hub's signed word about a lease says.

A lease is the hub's promise that nobody else holds the same thing: a block of numbers, a thing held alone, or a quota
of reads or prints. Fields 16 to 20 of the word are this page's own: which ask it answers, how the lease stands, and
the hub's marks of what was used. Source: protocol way/1, sections 4.2 (types 20, 21) and 7.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sync.kernel.ids import NODE_PATTERN
from sync.kernel.limits import (
    ACTOR_CHARS_MAX,
    FENCE_EPOCH_SHIFT,
    LEASE_KEY_BYTES_MAX,
    LEASE_KEYS_MAX,
    LEASE_S_MAX,
    LEASE_UNITS_MAX,
)
from sync.kernel.outcome import PeerFault
from sync.protocol.fields import COUNT, H16, INCARNATION, Fields, anything, count, is_label, raw_up_to, text

NUMBER, HOLD, READ, PRINT, GLASS = range(1, 6)
KIND_WORDS: Final[Mapping[int, str]] = {NUMBER: "number", HOLD: "hold", READ: "read", PRINT: "print", GLASS: "glass"}
COUNTED: Final = frozenset({READ, PRINT, GLASS})
"""Kinds whose uses are counted in the witness before they take effect."""

KEY_INFO: Final = b"way/1 lease key\0"
"""Binds a wrapped key; the lease id follows."""

WANT, RENEW, RETURN, CLOSE = range(1, 5)
"""What an ask is for. CLOSE: this node does not hold the lease named, and used of it what it says."""

STANDS, NOT_NOW, VOID, CLOSED = range(4)
"""How a lease stands by the hub's word. NOT_NOW answers an ask for which there is no lease yet."""

RESOURCE_PATTERN: Final = re.compile(r"[a-z][a-z0-9-]{0,20}(:[A-Za-z0-9._-]{1,40})?")
CODE_CHARS_MAX = 60
PURPOSE_CHARS_MAX = 120
_LEASE, _ASK = "lease.body", "ask.body"


def fence_of(epoch: int, counter: int) -> int:
    """A fencing number that only rises, also over a restore of the hub. Source: protocol way/1, section 5.2."""
    assert 0 < counter < 1 << FENCE_EPOCH_SHIFT and epoch < 1 << (63 - FENCE_EPOCH_SHIFT)
    return (epoch << FENCE_EPOCH_SHIFT) + counter


def is_resource(value: object) -> bool:
    """What a lease may be on: a word and perhaps a name, `ticket:hall-1`. Never a person's name or number."""
    return type(value) is str and bool(RESOURCE_PATTERN.fullmatch(value))


@dataclass(frozen=True, slots=True)
class Lease:
    """One promise. `id` 16 bytes. `granted` is the hub's HLC; spans in seconds; `lasts_s` 0: no term (numbers).

    Numbers: `incarnation` alone may draw `first` to `last`. Counted kinds: `quota` units, `offline_s` the longest time
    without the hub's confirmation, `label` the scope that lives as long as the lease, `wrapped` keys sealed to the
    node. Holds: `fence`; the hub grants anew `grace_s` after the term.
    """

    id: bytes
    kind: int
    resource: str
    node: str
    granted: int
    incarnation: int = 0
    first: int = 0
    last: int = 0
    quota: int = 0
    fence: int = 0
    actor: str = ""
    role: str = ""
    purpose: str = ""
    lasts_s: int = 0
    offline_s: int = 0
    grace_s: int = 0
    label: str = ""
    wrapped: tuple[bytes, ...] = ()

    @property
    def units(self) -> int:
        """How much of it there is: numbers of the block, or the quota; 0 for a hold."""
        return self.last - self.first + 1 if self.kind == NUMBER else self.quota

    def fields(self) -> dict[int, Any]:
        """The numbered map, without what a kind does not have."""
        told: dict[int, Any] = {1: self.id, 2: self.kind, 3: self.resource, 4: self.node}
        if self.kind == NUMBER:
            told |= {5: self.incarnation, 6: (self.first, self.last)}
        if self.quota:
            told[7] = self.quota
        if self.fence:
            told[8] = self.fence
        if self.actor or self.role or self.purpose:
            told[9] = (self.actor, self.role, self.purpose)
        told |= {10: self.granted, 11: self.lasts_s, 12: self.offline_s, 13: self.grace_s}
        if self.label:
            told[14] = self.label
        if self.wrapped:
            told[15] = self.wrapped
        return told

    @classmethod
    def of(cls, fields: Fields) -> Lease:
        """Raises PeerFault `lease.body`, also where the fields do not make a lease of their kind."""
        block = fields.row(6, COUNT, COUNT) or (0, 0)
        who = fields.row(9, text(ACTOR_CHARS_MAX), text(ACTOR_CHARS_MAX), text(PURPOSE_CHARS_MAX)) or ("", "", "")
        made = cls(
            id=fields.one(1, H16),
            kind=fields.one(2, count(GLASS, NUMBER)),
            resource=fields.one(3, is_resource),
            node=fields.one(4, _is_node),
            granted=fields.one(10, COUNT),
            incarnation=fields.one(5, INCARNATION, 0),
            first=block[0],
            last=block[1],
            quota=fields.one(7, count(LEASE_UNITS_MAX), 0),
            fence=fields.one(8, COUNT, 0),
            actor=who[0],
            role=who[1],
            purpose=who[2],
            lasts_s=fields.one(11, count(LEASE_S_MAX), 0),
            offline_s=fields.one(12, count(LEASE_S_MAX), 0),
            grace_s=fields.one(13, count(LEASE_S_MAX), 0),
            label=fields.one(14, is_label, ""),
            wrapped=fields.values(15, raw_up_to(LEASE_KEY_BYTES_MAX), LEASE_KEYS_MAX),
        )
        if not made.whole:
            raise PeerFault(_LEASE, "kind")
        return made

    @property
    def whole(self) -> bool:
        """Whether it has what a lease of its kind must have."""
        if self.kind == NUMBER:
            return self.incarnation > 0 and 0 < self.first <= self.last < self.first + LEASE_UNITS_MAX
        if self.kind == HOLD:
            return self.fence > 0 and self.lasts_s > 0
        return self.quota > 0 and self.lasts_s > 0 and self.offline_s > 0


@dataclass(frozen=True, slots=True)
class LeaseWord:
    """What the hub says of one lease, body of type 20. `answers`: (incarnation, request) of the ask, None unasked.

    `used` and `spent_s` are the hub's marks. NOT_NOW carries a `code`, and `wait_s` until it is worth asking again; it
    and CLOSED may be without the lease itself, then `id` is all that is said.
    """

    standing: int
    id: bytes = b""
    lease: Lease | None = None
    answers: tuple[int, int] | None = None
    used: int = 0
    spent_s: int = 0
    code: str = ""
    wait_s: int = 0

    def body(self) -> Mapping[int, Any]:
        """The numbered map."""
        told: dict[int, Any] = {} if self.lease is None else self.lease.fields()
        if self.id and self.lease is None:
            told[1] = self.id
        if self.answers is not None:
            told[16] = self.answers
        told[17] = self.standing
        told[18] = (self.used, self.spent_s)
        if self.code:
            told[19] = self.code
        if self.wait_s:
            told[20] = self.wait_s
        return told

    @classmethod
    def read(cls, body: object) -> LeaseWord:
        """Raises PeerFault `lease.body`."""
        fields = Fields(body, _LEASE)
        standing = fields.one(17, count(CLOSED))
        lease = None if fields.one(2, anything, None) is None else Lease.of(fields)
        if lease is None and standing in (STANDS, VOID):
            raise PeerFault(_LEASE, "field 2")
        answers = fields.row(16, INCARNATION, COUNT)
        used, spent_s = fields.row(18, COUNT, COUNT) or (0, 0)
        return cls(
            standing=standing,
            id=lease.id if lease else fields.one(1, H16, b""),
            lease=lease,
            answers=None if answers is None else (answers[0], answers[1]),
            used=used,
            spent_s=spent_s,
            code=fields.one(19, text(CODE_CHARS_MAX), ""),
            wait_s=fields.one(20, count(LEASE_S_MAX), 0),
        )


@dataclass(frozen=True, slots=True)
class Ask:
    """Body of type 21. The same (node, incarnation, request) always leads to the same lease: answers get lost.

    `want` names kind, resource, units and seconds wished for, and for whom; the others name the lease by `id`, with
    the asker's own marks. `shown` is the hub's signed word on it, for a hub that may have forgotten.
    """

    request: int
    verb: int
    incarnation: int
    kind: int = 0
    resource: str = ""
    units: int = 0
    lasts_s: int = 0
    actor: str = ""
    role: str = ""
    purpose: str = ""
    id: bytes = b""
    used: int = 0
    spent_s: int = 0
    shown: bytes = b""

    def body(self) -> Mapping[int, Any]:
        """The numbered map."""
        told: dict[int, Any] = {1: self.request, 2: self.verb, 3: self.incarnation}
        if self.verb == WANT:
            told |= {4: self.kind, 5: self.resource, 6: self.units, 7: self.lasts_s}
            if self.actor or self.role or self.purpose:
                told[8] = (self.actor, self.role, self.purpose)
            return told
        told |= {9: self.id, 10: (self.used, self.spent_s)}
        if self.shown:
            told[11] = self.shown
        return told

    @classmethod
    def read(cls, body: object) -> Ask:
        """Raises PeerFault `ask.body`."""
        fields = Fields(body, _ASK)
        verb = fields.one(2, count(CLOSE, WANT))
        want = verb == WANT
        who = fields.row(8, text(ACTOR_CHARS_MAX), text(ACTOR_CHARS_MAX), text(PURPOSE_CHARS_MAX)) or ("", "", "")
        used, spent_s = fields.row(10, COUNT, COUNT) or (0, 0)
        return cls(
            request=fields.one(1, COUNT),
            verb=verb,
            incarnation=fields.one(3, INCARNATION),
            kind=fields.one(4, count(GLASS, NUMBER)) if want else 0,
            resource=fields.one(5, is_resource) if want else "",
            units=fields.one(6, count(LEASE_UNITS_MAX), 0),
            lasts_s=fields.one(7, count(LEASE_S_MAX), 0),
            actor=who[0],
            role=who[1],
            purpose=who[2],
            id=b"" if want else fields.one(9, H16),
            used=used,
            spent_s=spent_s,
            shown=fields.one(11, raw_up_to(_SHOWN_BYTES_MAX), b""),
        )


_SHOWN_BYTES_MAX = 32 * 1024


def _is_node(value: object) -> bool:
    return type(value) is str and bool(NODE_PATTERN.fullmatch(value))
