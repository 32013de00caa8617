"""How a node presents itself and how the hub answers.

Source: protocol way/1, section 4.6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sync.kernel.suite import Hasher
from sync.protocol import states
from sync.protocol.ack import Ack
from sync.protocol.fields import COUNT, H8, INCARNATION, LANE, Fields, anything, count, is_label, text

PROTOCOL = (1, 1)
"""Lowest and highest version spoken here."""


def common(theirs: tuple[int, int]) -> bool:
    """Whether a version is spoken on both sides."""
    return theirs[0] <= PROTOCOL[1] and PROTOCOL[0] <= theirs[1]


OPEN, REWOUND, FROZEN, REVOKED, UNKNOWN, TOO_OLD = range(6)
"""Status of a node in a welcome."""

SAID = {
    OPEN: states.WELCOMED,
    REWOUND: states.WELCOMED,
    FROZEN: states.FROZEN,
    REVOKED: states.REVOKED,
    UNKNOWN: states.UNKNOWN,
    TOO_OLD: states.TOO_OLD,
}
"""What each status says to the session's table; one that is not here comes of a newer hub: too old."""

IDENTITY, RECEIPTS, MARKS, CURSORS, LEASES, TRUST, NEXT_KEY = range(1, 8)
"""What a welcome may want next. The last one is not on the page: a trust bundle above the hub's."""

STREAMS_MAX = 512
DEVICES_MAX = 64
LABELS_MAX = 512
NOTHING = bytes.fromhex("e3b0c44298fc1c14")
"""A digest that was not told; by suite 1 that of an empty list."""

WORD = text(40)

_HELLO, _WELCOME = "hello.body", "welcome.body"


@dataclass(frozen=True, slots=True)
class HelloStream:
    """An own stream: written up to `last`, signed for up to `acked`; bytes are kept from `oldest_kept` on."""

    incarnation: int
    lane: int
    last: int
    acked: int
    oldest_kept: int


@dataclass(frozen=True, slots=True)
class HelloDevice:
    """What hangs on the node: role and name, how it is, and why, in the words of its machine."""

    role: str
    name: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Hello:
    """`number` counts the hellos of an incarnation. `acked_digest`: `ack.acked_digest` in the order of `streams`.

    `streams` are those with unacknowledged facts and the current ones. `cursors_digest`: see `cursors_digest`.
    """

    software: str
    incarnation: int
    number: int
    streams: tuple[HelloStream, ...]
    acked_digest: bytes = NOTHING
    cursors_digest: bytes = NOTHING
    trust_version: int = 0
    desired_version: int = 0
    scope_version: int = 0
    leases_digest: bytes = NOTHING
    clock: int = 0
    free_mib: int = 0
    backlog_bytes: int = 0
    schema_digest: bytes = bytes(8)
    protocol: tuple[int, int] = PROTOCOL
    devices: tuple[HelloDevice, ...] = ()

    def body(self) -> Mapping[int, Any]:
        """The numbered map."""
        fields: dict[int, Any] = {
            1: self.protocol,
            2: self.software,
            3: self.schema_digest,
            4: self.incarnation,
            5: self.number,
            7: [(s.incarnation, s.lane, s.last, s.acked, s.oldest_kept) for s in self.streams],
            8: self.acked_digest,
            9: self.cursors_digest,
            10: self.trust_version,
            11: self.desired_version,
            12: self.scope_version,
            13: self.leases_digest,
            14: self.clock,
            15: self.free_mib,
            16: self.backlog_bytes,
        }
        if self.devices:
            fields[17] = [(d.role, d.name, d.state, d.reason) for d in self.devices]
        return fields

    @classmethod
    def read(cls, body: object) -> Hello:
        """Raises PeerFault `hello.body`."""
        fields = Fields(body, _HELLO)
        protocol = fields.columns(1, fields.one(1, anything), count(255), count(255))
        rows = [fields.columns(7, row, INCARNATION, LANE, COUNT, COUNT, COUNT) for row in fields.list(7, STREAMS_MAX)]
        return cls(
            software=fields.one(2, text(64)),
            incarnation=fields.one(4, INCARNATION),
            number=fields.one(5, COUNT),
            streams=tuple(HelloStream(*row) for row in rows),
            acked_digest=fields.one(8, H8),
            cursors_digest=fields.one(9, H8, NOTHING),
            trust_version=fields.one(10, COUNT, 0),
            desired_version=fields.one(11, COUNT, 0),
            scope_version=fields.one(12, COUNT, 0),
            leases_digest=fields.one(13, H8, NOTHING),
            clock=fields.one(14, count(2), 0),
            free_mib=fields.one(15, COUNT, 0),
            backlog_bytes=fields.one(16, COUNT, 0),
            schema_digest=fields.one(3, H8),
            protocol=(protocol[0], protocol[1]),
            devices=tuple(HelloDevice(*row) for row in fields.rows(17, WORD, text(60), WORD, WORD, most=DEVICES_MAX)),
        )


@dataclass(frozen=True, slots=True)
class Welcome:
    """The answer to the hello named by `answers` (incarnation, hello number); others ignore it.

    `ack` leaves out streams that equal the hello's own view. `scope_set`: (version, labels), None when unchanged.
    """

    answers: tuple[int, int]
    ack: Ack
    status: int = OPEN
    wanted: tuple[int, ...] = ()
    scope_set: tuple[int, tuple[str, ...]] | None = None
    trust_version: int = 0
    desired_version: int = 0
    lowest_protocol: int = 1
    served_software: str = ""
    line: int = 0

    def body(self) -> Mapping[int, Any]:
        """The numbered map."""
        fields: dict[int, Any] = {
            1: self.answers,
            3: self.ack.body(),
            4: self.status,
            7: (self.trust_version, self.desired_version),
            8: (self.lowest_protocol, self.served_software),
            9: self.line,
        }
        if self.wanted:
            fields[5] = self.wanted
        if self.scope_set is not None:
            fields[6] = self.scope_set
        return fields

    @classmethod
    def read(cls, body: object) -> Welcome:
        """Raises PeerFault `welcome.body` or `ack.body`."""
        fields = Fields(body, _WELCOME)
        answers = fields.columns(1, fields.one(1, anything), INCARNATION, COUNT)
        versions = fields.row(7, COUNT, COUNT) or (0, 0)
        served = fields.row(8, count(255), text(64)) or (1, "")
        scopes = fields.row(6, COUNT, anything)
        return cls(
            answers=(answers[0], answers[1]),
            ack=Ack.read(fields.one(3, anything)),
            status=fields.one(4, count(255)),
            wanted=fields.values(5, count(255), most=32),
            scope_set=None if scopes is None else (scopes[0], _labels(scopes[1])),
            trust_version=versions[0],
            desired_version=versions[1],
            lowest_protocol=served[0],
            served_software=served[1],
            line=fields.one(9, COUNT, 0),
        )


def cursors_digest(hasher: Hasher, cursors: Iterable[tuple[str, int, int, bytes]]) -> bytes:
    """Hello field 9: H8 over (label, 0, hub epoch as 4 bytes, sseq as 8, e) of each held scope, labels ascending."""
    return hasher(
        b"".join(
            label.encode("ascii") + b"\0" + epoch.to_bytes(4, "big") + sseq.to_bytes(8, "big") + e
            for label, epoch, sseq, e in sorted(cursors)
        )
    ).digest()[:8]


def leases_digest(hasher: Hasher, ids: Iterable[bytes]) -> bytes:
    """Hello field 13: H8 over the ids of the leases that are held, ascending."""
    return hasher(b"".join(sorted(ids))).digest()[:8]


def _labels(value: object) -> tuple[str, ...]:
    return Fields({1: value}, _WELCOME).values(1, is_label, most=LABELS_MAX)
