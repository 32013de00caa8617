"""Receiving at the records room: scan each record, label it, close the counter, settle what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.features.receiving import store as counter
from appliance.features.receiving.store import AnomalyRow, CounterRow, HandInRow, WaitingRound
from appliance.store.carried import CarriedList
from sync.adapters.sqlite_log.node_store import NodeStore, Unit
from sync.domain.tracking import decide, facts, words
from sync.domain.tracking.codes import Code, parse_code
from sync.domain.tracking.facts import HANDIN, STAY
from sync.domain.tracking.handins import HandIn
from sync.domain.tracking.judge import Choice, judge_reception
from sync.domain.tracking.state import Stay
from sync.kernel.fact import NewFact
from sync.kernel.ids import FactId
from sync.kernel.outcome import Refused

OrderLabel = Callable[[Unit, str, str, str | None, int], str | None]
"""(unit, stay key, name, discharge date, copy number) → job, or None where this box has no label printer."""


@dataclass(frozen=True, slots=True)
class Received:
    """What the clerk hears and sees of one scan at the counter. `refused` where nothing was judged."""

    verdict: str
    at_ms: int
    got: int = 0
    expected: int = 0
    key: str | None = None
    record_no: str | None = None
    name: str | None = None
    notes: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    fact: FactId | None = None
    label_job: str | None = None
    refused: Refused | None = None


Told = Callable[[Received], None]


class Receiving:
    """What a records clerk may do. Whether the person holds the right is asked by the route."""

    def __init__(self, store: NodeStore, *, prefixes: tuple[str, ...], order_label: OrderLabel, told: Told) -> None:
        self._store = store
        self._prefixes = prefixes
        self._order_label = order_label
        self._told = told
        self._at: tuple[str, str] | None = None
        self.last: Received | None = None

    @property
    def at(self) -> tuple[str, str] | None:
        """(hand-in, clerk) that the gun at the counter belongs to now."""
        return self._at

    def open(self, courier: str, rounds: list[str], clerk: str) -> str:
        """A courier stands at the counter with these rounds; an open hand-in of the same courier goes on."""
        with self._store.write(actor=clerk) as unit:
            for row in counter.handins(unit.conn, 0):
                if row.courier == courier and row.closed_at_ms is None:
                    self._stand(row.key, clerk)
                    return row.key
            key = f"{self._store.node}.{self._store.entropy.bytes(4).hex()}"
            unit.append(facts.handin_opened(key, courier, rounds))
        self._stand(key, clerk)
        return key

    def go_on(self, handin_key: str, clerk: str) -> Refused | None:
        """The gun belongs to this hand-in from now on."""
        with self._store.read() as conn:
            row = counter.handin(conn, handin_key)
        if row is None:
            return Refused("handin.gone")
        self._stand(handin_key, clerk)
        return None

    def _stand(self, handin_key: str, clerk: str) -> None:
        if self._at is None or self._at[0] != handin_key:
            self.last = None
        self._at = (handin_key, clerk)

    def scan(self, text: str, device: str | None = None) -> Received:
        """One code at the counter; durable, labelled and told when this returns."""
        now = self._store.clock.wall_ms()
        code = parse_code(text, self._prefixes)
        if isinstance(code, Refused):
            self._store.tally(code.code)
            return self._tell(Received("refused", now, refused=code))
        return self.take(code, how=words.GUN, device=device)

    def enter(self, text: str) -> Received:
        """A number typed at the counter."""
        code = parse_code(text, self._prefixes)
        if isinstance(code, Refused):
            return Received("refused", self._store.clock.wall_ms(), refused=code)
        return self.take(code, how=words.HAND)

    def take(self, code: Code, *, how: str, device: str | None = None, chosen: str | None = None) -> Received:
        now = self._store.clock.wall_ms()
        if self._at is None:
            return self._tell(Received("refused", now, refused=Refused("handin.none-open")))
        handin_key, clerk = self._at
        fact: FactId | None = None
        job: str | None = None
        label: tuple[str, str | None, int] | None = None
        with self._store.write(actor=clerk, device=device) as unit:
            expected = counter.expected_keys(unit.conn, handin_key)
            got = counter.received_keys(unit.conn, handin_key)
            judged = judge_reception(code, CarriedList(unit.conn), expected, got)
            key = judged.stay_key
            if chosen is not None and any(choice.stay_key == chosen for choice in judged.choices):
                key = chosen
            decision: decide.Decision = []
            if key is not None:
                stay = unit.state(STAY, key) or Stay()
                state = unit.state(HANDIN, handin_key) or HandIn()
                decision = decide.receive(key, stay, handin_key, state, how)
                if not isinstance(decision, Refused):
                    for new in decision:
                        fact = unit.append(new)
                    label = counter.label_facts(unit.conn, key)
                    if fact is not None and label is not None and not label[2]:
                        job = self._order_label(unit, key, label[0], label[1], 0)
        if isinstance(decision, Refused):
            return self._tell(Received("refused", now, len(got), len(expected), refused=decision))
        verdict = words.GOOD if key == chosen and key in expected else judged.verdict
        return self._tell(
            Received(
                verdict,
                now,
                len(got | ({key} if fact is not None and key else set())),
                len(expected),
                key,
                code.record_no,
                label[0] if label else None,
                judged.notes,
                judged.choices,
                fact,
                job,
            )
        )

    def choose(self, text: str, stay_key: str) -> Received | Refused:
        """Take the stay picked from the choices."""
        code = parse_code(text, self._prefixes)
        return code if isinstance(code, Refused) else self.take(code, how=words.HAND, chosen=stay_key)

    def undo_last(self, clerk: str) -> FactId | Refused:
        """The newest reception of the hand-in at the counter goes back."""
        if self._at is None:
            return Refused("handin.none-open")
        with self._store.write(actor=clerk) as unit:
            rows = [row for row in counter.counter(unit.conn, self._at[0]) if row.reception is not None]
            if not rows or rows[0].reception is None:
                return Refused("undo.nothing")
            stay = unit.state(STAY, rows[0].key)
            assert stay is not None
            decision = decide.undo_reception(rows[0].key, stay, rows[0].reception)
            if isinstance(decision, Refused):
                return decision
            for new in decision:
                unit.append(new)
        self.last = None
        return rows[0].reception

    def close(self, handin_key: str, clerk: str) -> tuple[int, int] | Refused:
        """Close the counter. Returns (missing, extra); each is a question for a person now."""
        with self._store.write(actor=clerk) as unit:
            state = unit.state(HANDIN, handin_key)
            if state is None:
                return Refused("handin.gone")
            expected = counter.expected_keys(unit.conn, handin_key)
            got = counter.received_keys(unit.conn, handin_key)
            decision = decide.close_handin(handin_key, state, expected, got)
            if isinstance(decision, Refused):
                return decision
            for new in decision:
                unit.append(new)
        if self._at is not None and self._at[0] == handin_key:
            self._at = self.last = None
        return len(expected - got), len(got - expected)

    def settle(self, stay_key: str, anomaly_id: str, outcome: str, note: str | None, clerk: str) -> Refused | None:
        """A person says what is true. `found` at an open counter also takes the record in."""
        with self._store.write(actor=clerk) as unit:
            stay = unit.state(STAY, stay_key)
            decision = (
                Refused("anomaly.gone") if stay is None else decide.settle(stay_key, stay, anomaly_id, outcome, note)
            )
            if isinstance(decision, Refused):
                return decision
            for new in decision:
                unit.append(new)
            asked = next(one for one in stay.anomalies if one.id == anomaly_id) if stay is not None else None
            if asked is not None and asked.code == words.ROOM_MISSING and outcome == "found" and stay is not None:
                missed = stay.misses[-1].handin
                if stay.reception is None:
                    unit.append(facts.received(stay_key, missed, words.HAND))
        return None

    def print_label(self, stay_key: str, clerk: str) -> str | Refused:
        """A cover label by stay; from the second on it is marked. Refused `label.unknown`, `label.no-printer`."""
        with self._store.write(actor=clerk) as unit:
            told = counter.label_facts(unit.conn, stay_key)
            if told is None:
                return Refused("label.unknown")
            job = self._order_label(unit, stay_key, *told)
            return Refused("label.no-printer") if job is None else job

    def stays_numbered(self, text: str) -> list[str] | Refused:
        """Stays filed under a number, for a reprint by record number."""
        code = parse_code(text, self._prefixes)
        if isinstance(code, Refused):
            return code
        with self._store.read() as conn:
            keys = [stay.key for stay in CarriedList(conn).stays_of(code.record_no)]
        return [key for key in keys if code.stay_no is None or key == code.key]

    def label_marked(self, unit: Unit, stay_key: str, job: str, copy_no: int, outcome: str) -> None:
        """The printer's proof, in the transaction that marks the ledger."""
        if outcome == "confirmed":
            unit.append(NewFact(facts.LABEL_PRINTED, STAY, stay_key, {1: job, 2: copy_no}))

    def waiting(self) -> list[WaitingRound]:
        with self._store.read() as conn:
            return counter.waiting_rounds(conn)

    def handins(self, since_ms: int) -> list[HandInRow]:
        with self._store.read() as conn:
            return counter.handins(conn, since_ms)

    def handin(self, handin_key: str) -> HandInRow | None:
        with self._store.read() as conn:
            return counter.handin(conn, handin_key)

    def counter(self, handin_key: str) -> list[CounterRow]:
        with self._store.read() as conn:
            return counter.counter(conn, handin_key)

    def anomalies(self) -> list[AnomalyRow]:
        with self._store.read() as conn:
            return counter.open_anomalies(conn)

    def _tell(self, received: Received) -> Received:
        self.last = received
        self._told(received)
        return received
