"""Repair: how a copy of a scope that differs becomes equal, and how a new subscriber starts.

A node asks with its own 256 values; the hub answers, as of one position, with every member of the buckets that differ;
the node asks for the checkpoints that it lacks. A node that holds nothing says so and gets the checkpoints at once.
One answer is several messages of at most 64 KiB (`parts`). A hub that cannot put all differing buckets into one answer
lists those it answered and says `more`: the node applies them, keeps the position of the first answer (entries it
already has are ignored by their rev) and asks again.
Source: protocol way/1, section 6.6; the fields are this page's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sync.kernel.fact import Key
from sync.kernel.limits import BUCKETS, FRAMES_MAX
from sync.kernel.outcome import PeerFault
from sync.protocol import feed
from sync.protocol.fields import COUNT, H16, Fields, H, anything, count, is_label, raw, raw_up_to, truth

WANTED_MAX = 512
PART_BYTES = 60_000
"""Of 65,536 bytes of body; the rest is room for the fields around the rows."""

ANSWER_BYTES = (FRAMES_MAX - 2) * PART_BYTES
"""What a hub puts into one answer, so that its parts fit one reply."""

_ASK, _ANSWER = "sets.ask", "sets.answer"
_ETYPE = count(65535)

Member = tuple[int, Key, bytes]


@dataclass(frozen=True, slots=True)
class SetsAsk:
    """`values`: own 256 bucket values (None when only checkpoints are asked for). `wanted`: (entity type, key).

    `empty`: the node holds nothing of the scope, so the answer brings checkpoints with the members.
    """

    label: str
    values: tuple[bytes, ...] | None = None
    wanted: tuple[tuple[int, Key], ...] = ()
    empty: bool = False

    def body(self) -> Mapping[int, Any]:
        """The numbered map."""
        fields: dict[int, Any] = {1: self.label, 4: self.empty}
        if self.values is not None:
            fields[2] = b"".join(self.values)
        if self.wanted:
            fields[3] = self.wanted
        return fields

    @classmethod
    def read(cls, body: object) -> SetsAsk:
        """Raises PeerFault `sets.ask`."""
        fields = Fields(body, _ASK)
        joined: bytes | None = fields.one(2, raw(BUCKETS * 16), None)
        return cls(
            label=fields.one(1, is_label),
            values=None if joined is None else tuple(joined[n : n + 16] for n in range(0, BUCKETS * 16, 16)),
            wanted=tuple((t, key) for t, key in fields.rows(3, _ETYPE, feed.is_key, most=WANTED_MAX)),
            empty=fields.one(4, truth, False),
        )


@dataclass(frozen=True, slots=True)
class SetsAnswer:
    """A scope at one position: `sseq` with entry hash `e` and root. `members` are all of `buckets`.

    `checkpoints` are encoded state entries. `part`: (this one from 1, how many). The epoch is in the envelope.
    """

    label: str
    sseq: int
    e: bytes
    root: bytes
    hub_time: int
    buckets: frozenset[int] = frozenset()
    members: tuple[Member, ...] = ()
    checkpoints: tuple[bytes, ...] = ()
    more: bool = False
    part: tuple[int, int] = (1, 1)

    def body(self) -> Mapping[int, Any]:
        """The numbered map."""
        return {
            1: self.label,
            2: self.sseq,
            3: self.e,
            4: self.root,
            5: self.hub_time,
            6: bytes(sorted(self.buckets)),
            7: self.members,
            8: self.checkpoints,
            9: self.more,
            10: self.part,
        }

    @classmethod
    def read(cls, body: object) -> SetsAnswer:
        """Raises PeerFault `sets.answer`."""
        fields = Fields(body, _ANSWER)
        part = fields.columns(10, fields.one(10, anything), count(least=1), count(least=1))
        return cls(
            label=fields.one(1, is_label),
            sseq=fields.one(2, COUNT),
            e=fields.one(3, H),
            root=fields.one(4, H16),
            hub_time=fields.one(5, COUNT),
            buckets=frozenset(fields.one(6, raw_up_to(BUCKETS))),
            members=tuple((t, key, x) for t, key, x in fields.rows(7, _ETYPE, feed.is_key, H16)),
            checkpoints=fields.values(8, raw_up_to(feed.ENTRY_BYTES_MAX)),
            more=fields.one(9, truth),
            part=(part[0], part[1]),
        )

    def states(self) -> list[feed.StateEntry]:
        """The checkpoints, decoded. Raises PeerFault when one is no state entry."""
        entries = [feed.decode_entry(data) for data in self.checkpoints]
        states = [entry for entry in entries if isinstance(entry, feed.StateEntry)]
        if len(states) != len(entries):
            raise PeerFault(_ANSWER)
        return states


def parts(whole: SetsAnswer) -> list[SetsAnswer]:
    """The same answer in messages that each fit. A checkpoint beyond `PART_BYTES` must be left out by the caller."""
    groups: list[tuple[list[Member], list[bytes]]] = [([], [])]
    room = PART_BYTES
    for size, member, point in _sized(whole):
        if size > room:
            groups.append(([], []))
            room = PART_BYTES
        room -= size
        if member is not None:
            groups[-1][0].append(member)
        if point is not None:
            groups[-1][1].append(point)
    return [
        replace(whole, members=tuple(members), checkpoints=tuple(points), part=(n, len(groups)))
        for n, (members, points) in enumerate(groups, 1)
    ]


def join(received: Sequence[SetsAnswer]) -> SetsAnswer | None:
    """The whole answer, None while a part is missing. Raises PeerFault when parts tell of different positions."""
    if not received:
        return None
    alike = {replace(part, members=(), checkpoints=(), part=(1, part.part[1])) for part in received}
    if len(alike) != 1:
        raise PeerFault(_ANSWER)
    by_number = {part.part[0]: part for part in received}
    total = received[0].part[1]
    if sorted(by_number) != list(range(1, total + 1)):
        return None
    ordered = [by_number[n] for n in range(1, total + 1)]
    return replace(
        ordered[0],
        members=tuple(member for part in ordered for member in part.members),
        checkpoints=tuple(point for part in ordered for point in part.checkpoints),
        part=(1, 1),
    )


def fitting(sizes: Iterable[tuple[int, int]]) -> tuple[frozenset[int], bool]:
    """Which differing buckets go into one answer, at least one. (bucket, its bytes) in, (buckets, more) out."""
    taken: list[int] = []
    total = 0
    for bucket, size in sizes:
        if taken and total + size > ANSWER_BYTES:
            return frozenset(taken), True
        taken.append(bucket)
        total += size
    return frozenset(taken), False


def member_bytes(key: Key) -> int:
    """At most what a member takes in an answer."""
    return len(key.encode() if isinstance(key, str) else key) + 24


def _sized(whole: SetsAnswer) -> Iterable[tuple[int, Member | None, bytes | None]]:
    for member in whole.members:
        yield member_bytes(member[1]), member, None
    for point in whole.checkpoints:
        yield len(point) + 5, None, point
