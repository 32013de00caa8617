"""The leases of one box, as its features use them: numbers, things held alone, reads and prints under a count.

A use of a counted lease is durable in the witness, then in the database together with the facts of the act, and only
then may it be seen. Source: protocol way/1, sections 1, 5.4 and 7.3; `DESIGN.md` beside this file has examples.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from dataclasses import dataclass

from sync.adapters.leases import box_tables as tables
from sync.adapters.leases.asks import Asks
from sync.adapters.leases.book import LeaseBook
from sync.adapters.leases.box_tables import Kept
from sync.adapters.leases.witness import Witness
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.node_store import Unit
from sync.domain.leases import facts
from sync.kernel.limits import LEASE_MARK_EVERY_S
from sync.kernel.outcome import PeerFault, Refused
from sync.protocol import held as rules
from sync.protocol import lease as words
from sync.protocol import lease_states as states
from sync.protocol.held import Held
from sync.protocol.lease import COUNTED, KEY_INFO, KIND_WORDS, Ask, Lease, LeaseWord

NUMBER_BLOCK = 200
"""Numbers asked for at a time where a feature says nothing else."""
LOOK_EVERY_S = LEASE_MARK_EVERY_S / 4
_MARK_MS = round(LEASE_MARK_EVERY_S * 1000 / 2)
"""Marks are made twice as often as they must be, so that a late one is early enough."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number to be printed or shown after the commit. `lease`: field 12 of the fact, None in the overflow series."""

    text: str
    lease: tuple[bytes, int] | None


@dataclass(frozen=True, slots=True)
class Use:
    """What was taken: `lease` is field 12 of the feature's own facts; `left` units; `keys` that came with the lease."""

    lease: tuple[bytes, int]
    left: int
    keys: tuple[bytes, ...] = ()


class Leases:
    """One a box, after its incarnation has begun. Any thread; methods with a unit work in the caller's transaction."""

    def __init__(self, store: ApplianceStore, witness: Witness, *, sealing: bytes = b"") -> None:
        """`sealing`: the box's secret key for what is sealed to it."""
        self._store = store
        self._sealing = sealing
        self._lock = threading.RLock()
        self._asks = Asks(lambda: store.incarnation)
        self._blocks: dict[str, int] = {}
        self._holding: dict[str, int] = {}
        self._refusals: dict[tuple[int, str], Refused] = {}
        self._overflow = 0
        self._tell: Callable[[], None] = lambda: None
        self._book = LeaseBook(store, witness, self._asks.drop)

    def on_ask(self, tell: Callable[[], None]) -> None:
        """`tell` is called when there is something to ask the hub; it must only set an event."""
        self._tell = tell
        if self._asks.next_s() is not None:
            tell()

    # What features use

    def want_numbers(self, resource: str, block: int = NUMBER_BLOCK) -> None:
        """From now on hold two blocks of numbers of this resource."""
        self._blocks[resource] = block
        self._refill(resource)

    def next_number(self, unit: Unit, resource: str) -> Number:
        """The next number; of the box's own overflow series when its blocks are dry. Never the same one twice."""
        for kept in self._blocks_of(unit, resource):
            used = rules.use(kept.held, 1, self._book.mark.meter_ms)
            if isinstance(used, Held):
                self._book.keep(unit, used, kept.raw)
                unit.on_commit(lambda: self._refill(resource))
                return Number(str(used.lease.first + used.used - 1), (used.lease.id, used.used))
        unit.on_commit(lambda: self._refill(resource))
        with self._lock:
            self._overflow += 1
            counter = self._overflow
        return Number(rules.overflow_number(self._store.node, incarnation_tag(self._store.incarnation), counter), None)

    def hold(self, resource: str, lasts_s: int) -> Lease | Refused:
        """The hold on this resource, kept up until it is given back; Refused while it is asked for or held elsewhere.

        Ask again at a later event: a lease comes by the line, and there may be none.
        """
        self._holding[resource] = lasts_s
        for kept in self._open(words.HOLD, resource):
            if rules.aged(kept.held, self._book.now()[0].meter_ms).state == states.USABLE:
                return kept.held.lease
            return Refused(f"lease.{kept.held.state}")
        if not self._asks.wanted(words.HOLD, resource):
            self._asks.want(words.HOLD, resource, 1, lasts_s)
            self._tell()
        return self._refusals.get((words.HOLD, resource), Refused("lease.asked"))

    def ask(
        self, kind: int, resource: str, units: int, lasts_s: int, *, actor: str, role: str, purpose: str
    ) -> Refused:
        """Ask for a grant of reads or prints, or break-glass with its reason as purpose. Always a Refused for now.

        Asking again while it is open changes nothing; the code tells how it stands.
        """
        assert kind in COUNTED
        if not self._asks.wanted(kind, resource):
            self._refusals.pop((kind, resource), None)
            self._asks.want(kind, resource, units, lasts_s, (actor, role, purpose))
            self._tell()
        return self._refusals.get((kind, resource), Refused("lease.asked"))

    def usable(self, kind: int, resource: str) -> list[Lease]:
        """Leases of this kind on this resource that have something left, oldest first."""
        meter_ms = self._book.now()[0].meter_ms
        return [kept.held.lease for kept in self._open(kind, resource) if rules.aged(kept.held, meter_ms).left]

    def use(
        self, unit: Unit, lease: bytes, units: int = 1, *, reason: str | None = None, purpose: str | None = None
    ) -> Use | Refused:
        """Take `units`, or act under a hold. What it allows may be seen or done after the commit of `unit`, not before.

        Break-glass wants a `reason`. Raises Unavailable `lease.witness` when the count cannot be made durable.
        """
        found = {kept.held.lease.id: kept for kept in self._book.aged(unit)}.get(lease)
        if found is None:
            return Refused("lease.unknown")
        of = found.held.lease
        if of.kind == words.GLASS and not (reason or "").strip():
            return Refused("lease.reason-missing")
        used = rules.use(found.held, units, self._book.mark.meter_ms)
        if isinstance(used, Refused):
            return used
        count = of.fence if of.kind == words.HOLD else used.used
        unit.append(
            facts.spent(
                of.resource, of.id, KIND_WORDS[of.kind], units=units, quota=of.quota, used=count,
                spent_s=used.spent_s(self._book.mark.meter_ms), reason=reason, purpose=purpose or of.purpose or None,
            )
        )  # fmt: skip
        tables.put(unit.conn, used, found.raw)
        self._book.save(unit)
        keys = tuple(self._store.suite.open(self._sealing, KEY_INFO + of.id, each) for each in of.wrapped)
        return Use((of.id, count), used.left, keys)

    def give_back(self, lease: bytes) -> None:
        """It is not needed any more; what is left of it is void."""
        with self._store.write(step="lease.return") as unit:
            for kept in self._book.aged(unit):
                if kept.held.lease.id == lease:
                    self._holding.pop(kept.held.lease.resource, None)
                    self._book.close(unit, rules.move(kept.held, states.USED_UP), "returned")
            self._book.save(unit)

    # What the line and the clock bring

    def look(self) -> None:
        """Let time have its effect; due every `LOOK_EVERY_S` while there are leases."""
        if not self._book.known():
            return
        found = self._book.open_leases()
        mark, doubt = self._book.now()
        ended = any(rules.aged(kept.held, mark.meter_ms) != kept.held for kept in found)
        if doubt or ended or mark.meter_ms - self._book.saved.meter_ms >= _MARK_MS:
            with self._store.write(step="lease.mark") as unit:
                self._book.aged(unit)
                self._book.save(unit)
        self._renew()

    def doubt(self, said: str) -> None:
        """The hub's epoch rose, or this disk was rolled back: who must sleep, sleeps, and asks."""
        with self._store.write(step="lease.doubt") as unit:
            for kept in self._book.aged(unit):
                self._book.keep(unit, rules.doubted(kept.held, said), kept.raw)
            self._book.save(unit)
        self._renew()

    def due(self) -> list[Ask]:
        """Asks to be sent now."""
        return self._asks.due(self._book.now()[0].meter_ms, self._store.clock.mono_s())

    def next_s(self) -> float | None:
        """When `due` has something again, on the monotonic clock."""
        return self._asks.next_s()

    def line_up(self, *, every: bool = False) -> None:
        """The hub was heard: whatever waits may be asked now.

        `every`: it knows other leases than we do, so each is asked about, the hub's own word beside it.
        """
        if every:
            meter_ms = self._book.now()[0].meter_ms
            for kept in self._book.open_leases():
                self._ask_about(kept, meter_ms)
        self._renew()
        self._asks.hurry()

    def listing(self) -> list[Held]:
        """Everything that is not closed, with time having had its effect."""
        meter_ms = self._book.now()[0].meter_ms
        return [rules.aged(kept.held, meter_ms) for kept in self._book.open_leases()]

    def meter_ms(self) -> int:
        return self._book.now()[0].meter_ms

    def take(self, word: LeaseWord, raw: bytes) -> None:
        """The hub's signed word on a lease. Raises PeerFault `lease.foreign` for another node's."""
        if word.lease is not None and word.lease.node != self._store.node:
            raise PeerFault("lease.foreign")
        asked = self._asks.answered(word, self._store.clock.mono_s())
        if asked is not None:
            self._book.heard()
        if word.standing == words.NOT_NOW:
            if asked is not None:
                self._refusals[asked.ask.kind, asked.ask.resource] = Refused(word.code or "lease.not-now")
            return
        with self._store.write(step="lease.take") as unit:
            found = {kept.held.lease.id: kept for kept in self._book.aged(unit)}.get(word.id)
            if word.standing != words.STANDS:
                if found is not None:
                    self._book.close(unit, rules.move(found.held, states.VOIDED), "void")
            elif found is not None and asked is not None:
                self._confirm(unit, found, word, raw, asked.sent_ms or 0)
            elif found is None and word.lease is not None:
                self._add(unit, word, word.lease, raw, None if asked is None else asked.sent_ms)
            self._book.save(unit)
        if self._asks.next_s() is not None:
            self._tell()

    # Inside

    def _open(self, kind: int, resource: str) -> list[Kept]:
        found = self._book.open_leases()
        return [kept for kept in found if (kept.held.lease.kind, kept.held.lease.resource) == (kind, resource)]

    def _blocks_of(self, unit: Unit, resource: str) -> list[Kept]:
        return [
            kept for kept in tables.open_leases(unit.conn)
            if kept.held.lease.kind == words.NUMBER and kept.held.lease.resource == resource
        ]  # fmt: skip

    def _confirm(self, unit: Unit, kept: Kept, word: LeaseWord, raw: bytes, sent_ms: int) -> None:
        assert word.lease is not None
        meter_ms = self._book.mark.meter_ms
        if word.lease.kind == words.HOLD:
            self._book.keep(unit, rules.renewed(kept.held, word.lease, sent_ms, meter_ms), raw)
        else:
            self._book.keep(unit, rules.confirmed(kept.held, word.used, word.spent_s, meter_ms), kept.raw)

    def _add(self, unit: Unit, word: LeaseWord, lease: Lease, raw: bytes, sent_ms: int | None) -> None:
        if self._book.add(unit, word, lease, raw, sent_ms):
            self._refusals.pop((lease.kind, lease.resource), None)
        else:
            self._asks.about(words.CLOSE, lease.id, max(word.used, self._book.witnessed(lease.id)), 0)

    def _refill(self, resource: str) -> None:
        size = self._blocks.get(resource)
        if size is None:
            return
        blocks = [kept.held for kept in self._open(words.NUMBER, resource)]
        missing = rules.blocks_wanted(blocks, self._asks.wanted(words.NUMBER, resource))
        for _ in range(missing):
            self._asks.want(words.NUMBER, resource, size)
        if missing:
            self._tell()

    def _renew(self) -> None:
        """Ask about every lease that sleeps, and for more time of every hold past half its term."""
        meter_ms = self._book.now()[0].meter_ms
        asked = False
        for kept in self._book.open_leases():
            held, lease = kept.held, kept.held.lease
            half = lease.kind == words.HOLD and 2 * held.spent_s(meter_ms) >= lease.lasts_s
            stale = lease.kind in COUNTED and 2 * (meter_ms - held.heard_ms) >= lease.offline_s * 1000
            if held.state == states.ASLEEP or stale or (half and lease.resource in self._holding):
                self._ask_about(kept, meter_ms)
                asked = True
        if asked:
            self._tell()

    def _ask_about(self, kept: Kept, meter_ms: int) -> None:
        held = kept.held
        self._asks.about(words.RENEW, held.lease.id, held.used, held.spent_s(meter_ms), kept.raw)


def incarnation_tag(incarnation: int) -> str:
    """Four base32 characters out of the last 20 bits of an incarnation."""
    return base64.b32encode((incarnation & 0xFFFFF).to_bytes(5, "big"))[4:].decode().lower()
