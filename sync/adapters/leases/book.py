"""What a box has on disk of its leases, brought through time: the database, the witness and the meter together.

Every change goes through one unit of work, the witness being written before that unit commits.
Source: protocol way/1, sections 1 ("Leases under restore and clone") and 7.3.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from sync.adapters.leases import box_tables as tables
from sync.adapters.leases.box_tables import Kept
from sync.adapters.leases.witness import Count, Told, Witness
from sync.adapters.sqlite_log import down
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.node_store import Unit
from sync.domain.leases import facts
from sync.protocol import held as rules
from sync.protocol import lease as words
from sync.protocol import lease_states as states
from sync.protocol.elapsed import Mark, Reading, advance, first_mark, heard
from sync.protocol.held import Held, Witnessed
from sync.protocol.lease import COUNTED, KIND_WORDS, Lease, LeaseWord


class LeaseBook:
    """One a box, after its incarnation has begun. Any thread."""

    def __init__(self, store: ApplianceStore, witness: Witness, closed: Callable[[bytes], None]) -> None:
        """`closed` hears of each lease that is done with; it must only take a note."""
        assert store.incarnation
        self._store = store
        self._witness = witness
        self._closed = closed
        self._lock = threading.RLock()
        self.mark = self.saved = self._begin()

    def now(self) -> tuple[Mark, bool]:
        """(the meter now, whether the wall clock is in doubt)."""
        with self._lock:
            self.mark, doubt = advance(self.mark, self._reading())
            return self.mark, doubt

    def heard(self) -> None:
        """The hub answered this process: from here on the wall clock is compared with what it says now."""
        with self._lock:
            self.mark = heard(self.mark, self._reading())

    def open_leases(self) -> list[Kept]:
        """Everything that is not closed, as the database has it."""
        with self._store.read() as conn:
            return tables.open_leases(conn)

    def known(self) -> bool:
        """Whether there is anything that time could change."""
        with self._store.read() as conn:
            return bool(tables.open_leases(conn)) or bool(tables.closed_leases(conn))

    def aged(self, unit: Unit) -> list[Kept]:
        """All open leases with time and doubt having had their effect in this transaction."""
        mark, doubt = self.now()
        found = []
        for kept in tables.open_leases(unit.conn):
            held = rules.doubted(kept.held, states.CLOCK_SET_BACK) if doubt else kept.held
            held = rules.aged(held, mark.meter_ms)
            if held != kept.held:
                self.keep(unit, held, kept.raw)
            if held.state not in (states.SPENT, states.VOID):
                found.append(Kept(held, kept.raw))
        return found

    def keep(self, unit: Unit, held: Held, raw: bytes) -> None:
        held = rules.aged(held, self.mark.meter_ms)
        if held.state in (states.SPENT, states.VOID):
            self.close(unit, held, held.state)
        else:
            tables.put(unit.conn, held, raw)

    def close(self, unit: Unit, held: Held, why: str) -> None:
        """Report it; keys and scope go in the same commit."""
        lease = held.lease
        spent_s = held.spent_s(self.mark.meter_ms)
        unit.append(
            facts.returned(
                lease.resource, lease.id, KIND_WORDS[lease.kind], used=held.used, spent_s=spent_s, why=why,
                fence=lease.fence,
            )
        )  # fmt: skip
        tables.close(unit.conn, rules.move(held, states.REPORTED), remember=lease.kind in COUNTED)
        if lease.label:
            down.leave_scope(self._store, unit, lease.label)
        self._closed(lease.id)

    def add(self, unit: Unit, word: LeaseWord, lease: Lease, raw: bytes, sent_ms: int | None) -> bool:
        """Take a lease not held yet; False: it is none for this process, and the hub should be told so.

        Numbers and holds come only to whoever asked for them in this very process; `sent_ms` None: nobody asked.
        """
        meter_ms, floor_ms = self.mark.meter_ms, self._store.floor_ms()
        used = max(word.used, self.witnessed(lease.id))
        if (sent_ms is None and lease.kind not in COUNTED) or self._refusable(unit, lease, floor_ms):
            return False
        if lease.kind in COUNTED or sent_ms is None:
            began_ms = meter_ms - max(0, floor_ms - (lease.granted >> 16), word.spent_s * 1000)
        else:
            began_ms = sent_ms
        held = rules.granted(lease, began_ms, meter_ms, used)
        tables.put(unit.conn, held, raw)
        if lease.label:
            down.enter_scope(unit, lease.label)
        self.keep(unit, held, raw)
        return True

    def witnessed(self, lease: bytes) -> int:
        """Units that the witness has counted of a lease."""
        told = self._witness.read()
        return 0 if told is None or lease not in told.counts else told.counts[lease].used

    def _refusable(self, unit: Unit, lease: Lease, floor_ms: int) -> bool:
        """Of another process, over by hub time, or done with here before."""
        if lease.kind not in COUNTED:
            return lease.kind == words.NUMBER and lease.incarnation != self._store.incarnation
        told = self._witness.read()
        done = told is not None and lease.id in told.counts and told.counts[lease.id].done
        closed = any(row.id == lease.id for row in tables.closed_leases(unit.conn))
        return done or closed or floor_ms >= tables.until_ms(lease)

    def save(self, unit: Unit) -> None:
        """The witness first, then (with the unit's commit) the database: behind it, the file is in doubt."""
        told = self._witness.read()
        counts = self._counts(unit, told)
        if counts or told is not None:
            self._witness.write(Told(self.mark, self._store.floor_ms(), counts))
        tables.set_mark(unit.conn, self.mark)
        self.saved = self.mark

    def _begin(self) -> Mark:
        """What the last process left: the higher mark of both counts, and who may not go on."""
        told = self._witness.read()
        store = self._store
        with store.read() as conn:
            kept = tables.mark(conn)
        behind = told is None or (kept is not None and told.mark.meter_ms < kept.meter_ms)
        marks = [each for each in (kept, None if told is None else told.mark) if each is not None]
        self.mark = max(marks, key=lambda each: each.meter_ms) if marks else first_mark(self._reading())
        with store.write(step="lease.start") as unit:
            for row in tables.open_leases(unit.conn):
                count = None if behind or told is None else told.counts.get(row.held.lease.id)
                seen = None if count is None else Witnessed(count.used, count.done)
                self.keep(unit, rules.started(row.held, store.incarnation, seen), row.raw)
            self.aged(unit)
            tables.set_mark(unit.conn, self.mark)
            counts = self._counts(unit, told)
        # Behind the commit: a new file must not vouch for leases that the database has not put to sleep yet.
        if counts or told is not None:
            self._witness.write(Told(self.mark, store.floor_ms(), counts))
        return self.mark

    def _reading(self) -> Reading:
        clock = self._store.clock
        wall_ms = clock.wall_ms()
        believed = self._store.believed_wall_ms() is not None
        return Reading(clock.boot_id(), round(clock.boot_s() * 1000), max(0, wall_ms), believed)

    def _counts(self, unit: Unit, told: Told | None) -> dict[bytes, Count]:
        """What the witness is to say after this transaction; closed leases whose time is over are forgotten."""
        floor_ms = self._store.floor_ms()
        found = {
            kept.held.lease.id: Count(kept.held.used, False, tables.until_ms(kept.held.lease))
            for kept in tables.open_leases(unit.conn)
            if kept.held.lease.kind in COUNTED
        }
        closed = {row.id: Count(row.used, True, row.until_ms) for row in tables.closed_leases(unit.conn)}
        over = [lease for lease, count in closed.items() if count.until_ms < floor_ms]
        tables.forget(unit.conn, over)
        found |= {lease: count for lease, count in closed.items() if lease not in over}
        if told is not None:
            # What a database that was put back has forgotten is still known here.
            found = {k: c for k, c in told.counts.items() if k not in found and c.until_ms >= floor_ms} | found
        return found
