"""What nodes fetch: where their feeds stand, signed runs of entries, and the repair of a copy that differs.

Source: protocol way/1, sections 6.4-6.7.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from hub.link.voice import Voice
from sync.adapters.sqlite_log import hub_snapshots
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_store import HubStore, NodeRow
from sync.kernel.fact import Key
from sync.kernel.limits import FRAMES_MAX
from sync.kernel.outcome import PeerFault
from sync.protocol import feed, frames, message, sets
from sync.protocol.sets import Member, SetsAnswer, SetsAsk

CHECKPOINTS_TOGETHER = 250
"""Publishing a checkpoint raises a floor, so it takes the writer; nobody waits long for it."""

_POINT_BYTES = 400
"""A guess at a checkpoint's size, for deciding how many buckets go into one answer."""


class FeedDesk:
    """Answers for nodes that hold the scope; who holds what is the caller's to check."""

    def __init__(self, store: HubStore, feeds: Feeds, voice: Voice, quiet: Callable[[], bool] = lambda: False) -> None:
        """`quiet`: whether nobody may be told yet where feeds stand; a message of heads then names none."""
        self._quiet = quiet
        self._store = store
        self._feeds = feeds
        self._voice = voice

    def head_message(self, node: str, labels: Sequence[str]) -> bytes:
        """The signed heads of these scopes, from one snapshot."""
        with self._store.read() as conn:
            rows = [] if self._quiet() else self._feeds.heads(conn, labels)
        return self._voice.head(rows, node)

    def segment(self, label: str, epoch: int, first: int) -> bytes:
        """The segment that begins at `first`, empty when the feed has not come so far or has it no more."""
        if epoch != self._store.epoch:
            raise PeerFault("segment.epoch")
        return (
            self._feeds.tail(
                label,
                first,
                lambda first, _last, prev_e, head_e, entries: self._voice.segment(
                    label, first, prev_e, head_e, entries
                ),
            )
            or b""
        )

    def manifest(self, label: str) -> bytes:
        """The signed manifest of the scope's newest snapshot, empty when there is none in this epoch."""
        with self._store.read() as conn:
            found = hub_snapshots.latest(conn, self._store.epoch, label)
        return b"" if found is None else found.manifest

    def snapshot(self, label: str, epoch: int, sseq: int, k: int) -> list[bytes]:
        """Segments of a snapshot from number `k` on, as many as one answer takes; none when it is not kept."""
        with self._store.read() as conn:
            found = hub_snapshots.segments_from(conn, epoch, label, sseq, k, FRAMES_MAX)
        return found[: frames.fits(map(len, found))]

    def repair(self, row: NodeRow, label: str, raw: bytes) -> list[bytes]:
        """The parts of the answer. Raises PeerFault when the question is not this node's own or not about `label`."""
        opened = message.open_message(
            raw,
            suite=self._voice.suite,
            keys=lambda _node, key_id: row.public(key_id, self._voice.hub_ms()),
            audience=self._store.node,
        )
        if opened.type != message.SETS or opened.signer != row.node:
            raise PeerFault("sets.ask")
        ask = SetsAsk.read(opened.body)
        if ask.label != label:
            raise PeerFault("sets.ask")
        return [self._voice.say(message.SETS, part.body(), row.node) for part in sets.parts(self._answer(ask))]

    def _answer(self, ask: SetsAsk) -> SetsAnswer:
        buckets, more, members = frozenset[int](), False, list[Member]()
        with self._store.read() as conn:
            head = self._feeds.heads(conn, [ask.label])[0]
            if ask.values is not None:
                differing = feed.differing(ask.values, self._feeds.values(conn, ask.label, head.sseq))
                listed = self._feeds.members(conn, ask.label, differing)
                buckets, more = self._fitting(differing, listed, with_points=ask.empty)
                members = [
                    each for each in listed if feed.bucket_of(self._store.suite.hasher, each[0], each[1]) in buckets
                ]
        wanted = [(etype, key) for etype, key, _ in members] if ask.empty else list(ask.wanted)
        return SetsAnswer(
            label=ask.label,
            sseq=head.sseq,
            e=head.e,
            root=head.root,
            hub_time=self._voice.hub_time(),
            buckets=buckets,
            members=tuple(members),
            checkpoints=self._points(ask.label, wanted),
            more=more,
        )

    def _fitting(
        self, differing: frozenset[int], listed: Sequence[Member], *, with_points: bool
    ) -> tuple[frozenset[int], bool]:
        sizes: dict[int, int] = defaultdict(int)
        for etype, key, _ in listed:
            sizes[feed.bucket_of(self._store.suite.hasher, etype, key)] += sets.member_bytes(key) + (
                _POINT_BYTES if with_points else 0
            )
        return sets.fitting((bucket, sizes[bucket]) for bucket in sorted(differing))

    def _points(self, label: str, wanted: Sequence[tuple[int, Key]]) -> tuple[bytes, ...]:
        """Encoded checkpoints, as many as one answer holds; the asker asks again for the rest."""
        points: list[bytes] = []
        room = sets.ANSWER_BYTES
        for at in range(0, len(wanted), CHECKPOINTS_TOGETHER):
            for entry in self._feeds.checkpoints(label, wanted[at : at + CHECKPOINTS_TOGETHER]):
                data = feed.encode_entry(entry)
                if len(data) <= sets.PART_BYTES and len(data) <= room:
                    points.append(data)
                    room -= len(data)
        return tuple(points)
