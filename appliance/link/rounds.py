"""Fetching what comes down: heads first, then every tail up to them, then one commit; repair where a copy differs.

Runs in a thread of its own, because the line may be slow; what people do never waits on it.
Source: protocol way/1, sections 6.4, 6.6.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from appliance.link.regaining import regain
from appliance.link.starting import HubSnapshots, Starting
from appliance.link.trust_book import TrustBook
from sync.adapters.sqlite_log import bootstrap, down, mirrors, unread
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.down import ZERO_E, Cursor, Tail
from sync.kernel import hlc
from sync.kernel.fact import Key
from sync.kernel.outcome import PeerFault, Unavailable
from sync.kernel.suite import Hasher
from sync.protocol import feed, message
from sync.protocol.notices import Head, ScopeHead
from sync.protocol.segment import Segment, open_segment, parse_segment_header
from sync.protocol.sets import WANTED_MAX, SetsAnswer, SetsAsk, join

ROUND_ENTRIES_MAX = 20_000
"""A copy further behind is repaired instead: one answer brings the state of an entity, not its whole past."""

REPAIR_TURNS_MAX = 400
CHECK_EVERY_MS = 6 * 3600 * 1000


class HubFeeds(HubSnapshots, Protocol):
    """What the hub serves. Raises Unavailable when the line does not carry it."""

    def heads(self) -> bytes: ...

    def segment(self, label: str, epoch: int, first: int) -> bytes: ...

    def repair(self, label: str, asked: bytes) -> list[bytes]: ...

    def own_history(self, incarnation: int, lane: int, first: int) -> bytes: ...


@dataclass(slots=True)
class RoundDone:
    """`epoch`: the hub's. `applied`: False when the epoch must be raised first; nothing was done then."""

    epoch: int
    hub_ms: int
    applied: bool = True
    entries: int = 0
    begun: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


class Rounds:
    """One store's way down. One thread uses it."""

    def __init__(self, store: ApplianceStore, feeds: HubFeeds, book: TrustBook, *, one_visit: bool = False) -> None:
        """`one_visit`: the feeds are what somebody carried here; what is not among it is left for another time."""
        self._one_visit = one_visit
        self._store = store
        self._feeds = feeds
        self._book = book
        self._starting = Starting(store, feeds, book)

    def run(self) -> RoundDone:
        """Bring every held scope up to the hub's heads. Raises Unavailable, PeerFault or the carrier's refusal."""
        if not self._one_visit:
            regain(self._store, self._feeds, self._book)
        opened = self._book.open(self._feeds.heads())
        if opened.type != message.HEAD:
            raise PeerFault("head.body")
        told = Head.read(opened.body)
        done = RoundDone(opened.epoch, hlc.ms_of(told.hub_time))
        if opened.epoch != self._store.meta_int("hub_epoch"):
            done.applied = False
            return done
        heads = {head.label: head for head in told.scopes}
        tails: list[Tail] = []
        broken: list[str] = []
        away = mirrors.names(self._store)
        for cursor in down.cursors(self._store):
            head = heads.get(cursor.label)
            if head is None or cursor.label in away:
                continue
            if self._begins(cursor, head, done):
                continue
            tail = None if _differs(cursor, head, opened.epoch) else self._tail(cursor, head)
            if tail is None:
                broken.append(cursor.label)
            else:
                tails.append(tail)
        if tails:
            outcome = down.apply_round(self._store, tails, done.hub_ms)
            done.entries = outcome.applied
            broken += outcome.ask
        broken += self._unequal({tail.label: heads[tail.label] for tail in tails}, broken, done.hub_ms)
        for label in broken:
            try:
                self.repair(label)
            except Unavailable:
                if not self._one_visit:
                    raise
                done.left.append(label)
            else:
                done.repaired.append(label)
        return done

    def _begins(self, cursor: Cursor, head: ScopeHead, done: RoundDone) -> bool:
        """Whether the scope was empty here, but for what this box wrote itself, and is up to the head now."""
        fresh = cursor.epoch == 0 or bootstrap.holds_nothing(self._store, cursor.label)
        if not (cursor.to_repair and head.sseq and fresh):
            return False
        if not self._starting.begin(head, done.epoch, done.hub_ms, self._tail):
            return False
        done.begun.append(cursor.label)
        return True

    def _tail(self, cursor: Cursor, head: ScopeHead) -> Tail | None:
        """Verified entries from the cursor to the head. None: the feed does not continue what is held."""
        if head.sseq - cursor.sseq > ROUND_ENTRIES_MAX:
            return None
        at, e = cursor.sseq, cursor.e
        entries: list[feed.Entry] = []
        while at < head.sseq:
            raw = self._feeds.segment(cursor.label, cursor.epoch, at + 1)
            if not raw:
                return None
            header = parse_segment_header(raw)
            public = self._book.hub_key(header.node, header.key_id)
            if public is None:
                raise PeerFault("segment.key")
            run = open_segment(raw, public, suite=self._book.keys.suite)
            if (run.label, run.epoch) != (cursor.label, cursor.epoch) or not run.first <= at + 1 <= run.last:
                raise PeerFault("segment.place")
            held = at + 1 - run.first
            if _e_after(self._store.suite.hasher, run, held) != e:
                return None
            for data in run.entries[held:][: head.sseq - at]:
                at += 1
                e = feed.next_e(self._store.suite.hasher, cursor.label, at, e, data)
                entries += _known(data)
        return Tail(cursor.label, cursor.epoch, at, e, entries) if e == head.e else None

    def _unequal(self, heads: dict[str, ScopeHead], broken: list[str], hub_ms: int) -> list[str]:
        """Scopes whose set hash differs from the hub's at the same position; looked at every 6 h."""
        if hub_ms - self._store.meta_int("sets_checked_ms") < CHECK_EVERY_MS:
            return []
        down.note_checked(self._store, hub_ms)
        hasher = self._store.suite.hasher
        return [
            label
            for label, head in heads.items()
            if label not in broken and feed.root_of(hasher, down.bucket_values(self._store, label)) != head.root
        ]

    def repair(self, label: str) -> None:
        """Make the copy of one scope equal to the hub's, whatever was there before. Also how a new scope starts."""
        position: SetsAnswer | None = None
        outdated = self._outdated(label)
        for _ in range(REPAIR_TURNS_MAX):
            values = down.bucket_values(self._store, label)
            empty = not any(any(value) for value in values)
            answer, epoch = self._ask(SetsAsk(label, tuple(values), empty=empty))
            if epoch != self._store.meta_int("hub_epoch"):
                return
            position = position or answer
            points = answer.states()
            have = {(point.etype, point.key) for point in points}
            lacking = [
                (etype, key)
                for etype, key, x in answer.members
                if (etype, key) not in have and down.held_x(self._store, etype, key) != x
            ]
            have.update(lacking)
            lacking += [name for name in outdated if name not in have]
            outdated = []
            for at in range(0, len(lacking), WANTED_MAX):
                points += self._checkpoints(label, lacking[at : at + WANTED_MAX])
            down.apply_repair(
                self._store,
                label,
                epoch,
                position.sseq,
                position.e,
                answer.members,
                answer.buckets,
                points,
                hlc.ms_of(answer.hub_time),
            )
            if not answer.more:
                return
        raise PeerFault("sets.endless")

    def _outdated(self, label: str) -> list[tuple[int, Key]]:
        """Copies to be asked for although the sets may be equal; what was carried here answers no such question."""
        if self._one_visit:
            return []
        with self._store.read() as conn:
            return unread.outdated(conn, label)

    def _checkpoints(self, label: str, wanted: list[tuple[int, Key]]) -> list[feed.StateEntry]:
        """All that the hub has of them; one answer may hold only some."""
        found: list[feed.StateEntry] = []
        left = set(wanted)
        while left:
            answer, _ = self._ask(SetsAsk(label, None, tuple(sorted(left, key=repr))))
            states = answer.states()
            if not states:
                break
            found += states
            left -= {(state.etype, state.key) for state in states}
        return found

    def _ask(self, ask: SetsAsk) -> tuple[SetsAnswer, int]:
        epoch = self._store.meta_int("hub_epoch")
        raws = self._feeds.repair(ask.label, self._book.say(message.SETS, ask.body(), epoch))
        opened = [self._book.open(raw) for raw in raws]
        if not opened or any(each.type != message.SETS for each in opened):
            raise PeerFault("sets.answer")
        whole = join([SetsAnswer.read(each.body) for each in opened])
        if whole is None or whole.label != ask.label:
            raise PeerFault("sets.answer")
        return whole, opened[0].epoch


def _differs(cursor: Cursor, head: ScopeHead, epoch: int) -> bool:
    """Whether the own position cannot be one that this feed ever had."""
    if cursor.to_repair or cursor.epoch != epoch or cursor.sseq > head.sseq:
        return True
    return cursor.sseq == head.sseq and cursor.e != (head.e if head.sseq else ZERO_E)


def _e_after(hasher: Hasher, run: Segment, entries: int) -> bytes:
    """The feed's hash behind the first entries of a run."""
    e = run.prev_e
    for sseq, data in enumerate(run.entries[:entries], run.first):
        e = feed.next_e(hasher, run.label, sseq, e, data)
    return e


def _known(data: bytes) -> Iterable[feed.Entry]:
    """The entry, or nothing for a kind of a newer hub: its place in the chain counts all the same."""
    try:
        return (feed.decode_entry(data),)
    except PeerFault as fault:
        if fault.code == "feed.unknown-entry":
            return ()
        raise
