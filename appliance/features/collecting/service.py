"""A courier's round from list to receipt. Every answer is from this box alone; the line is never waited for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.features.collecting import store as rounds
from appliance.features.collecting.scan import Scanner, Verdict
from appliance.features.collecting.store import DueRow, RoundRow, TakenRow
from appliance.store.carried import CarriedList
from sync.adapters.sqlite_log.node_store import NodeStore, Unit, load_state
from sync.domain.tracking import decide, facts, handover, words
from sync.domain.tracking.codes import parse_code
from sync.domain.tracking.facts import ROUND, STAY
from sync.domain.tracking.state import Stay
from sync.kernel.fact import NewFact
from sync.kernel.ids import FactId
from sync.kernel.outcome import Refused

FindConfirmer = Callable[[str], handover.Confirmer | None]
"""A badge's text → whose it is; boot hands over what the people of this box know."""

OrderReceipt = Callable[[Unit, RoundRow, list[TakenRow], int], str]
"""Puts a round's receipt into the ledger of paper within the unit; returns the job. The int is the copy number."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The three counts of a hand-over, and what differs by name."""

    round: RoundRow
    expected: int
    scanned: int
    by_hand: int | None
    differences: tuple[handover.Difference, ...]


class Collecting:
    """What a courier may do. Whether the person holds the right is asked by the route."""

    def __init__(
        self,
        store: NodeStore,
        scanner: Scanner,
        *,
        prefixes: tuple[str, ...],
        find: FindConfirmer,
        order_receipt: OrderReceipt,
    ) -> None:
        self._store = store
        self._prefixes = prefixes
        self._find = find
        self._order_receipt = order_receipt
        self.scanner = scanner

    def open_round(self, ward: str, courier: str) -> str | Refused:
        """Begin at a ward, or go on with the round that is open there. Returns the round's key."""
        with self._store.write(actor=courier) as unit:
            for row in rounds.rounds_since(unit.conn, courier, 0):
                if row.ward == ward and row.handed_over_at_ms is None:
                    rounds.set_active(unit.conn, row.key, courier)
                    key = row.key
                    break
            else:
                key = f"{self._store.node}.{self._store.entropy.bytes(4).hex()}"
                decision = decide.open_round(key, ward, courier, rounds.list_as_of_ms(unit.conn, ward))
                if isinstance(decision, Refused):
                    return decision
                for new in decision:
                    unit.append(new)
                rounds.set_active(unit.conn, key, courier)
        self.scanner.forget()
        return key

    def put_down(self, courier: str | None = None) -> None:
        """The hand-held is in nobody's round any more; the round itself stays open. None: whoever holds it."""
        hand = self.scanner.hand
        if hand is None or (courier is not None and hand.courier != courier):
            return
        with self._store.write(actor=hand.courier) as unit:
            rounds.set_active(unit.conn, None, hand.courier)
        self.scanner.forget()
        self.scanner.clear()

    def due(self, ward: str) -> list[DueRow]:
        with self._store.read() as conn:
            return rounds.due_on(conn, ward)

    def round(self, key: str) -> tuple[RoundRow, list[TakenRow]] | None:
        """A round and its scans, oldest first."""
        with self._store.read() as conn:
            row = rounds.round_of(conn, key)
            return None if row is None else (row, rounds.taken_in(conn, key))

    def enter_by_hand(self, text: str, initials: str, courier: str) -> Verdict | Refused:
        """A number typed because the code cannot be read; the initials of the name confirm it.

        Where no carried list has the name there is nothing to compare: the number alone is taken.
        Refused `hand.initials`, `scan.no-round` and the codes of `codes.parse_code`.
        """
        code = parse_code(text, self._prefixes)
        if isinstance(code, Refused):
            return code
        judged = self.scanner.look(code)
        if judged is None:
            return Refused("scan.no-round")
        if judged.stay_key is not None:
            with self._store.read() as conn:
                row = conn.execute("SELECT initials FROM custody_due WHERE key = ?", (judged.stay_key,)).fetchone()
            if row is not None and row[0].upper() != initials.strip().upper():
                return Refused("hand.initials")
        return self.scanner.enter(code, how=words.HAND, courier=courier)

    def scan(self, text: str, device: str | None, courier: str) -> Verdict | Refused:
        """A code that reached this box through the screen of a signed-in person. Refused `scan.other-courier`."""
        hand = self.scanner.hand
        if hand is not None and hand.courier != courier:
            return Refused("scan.other-courier")
        return self.scanner.scan(text, device)

    def choose(self, text: str, stay_key: str, courier: str) -> Verdict | Refused:
        """Take the stay picked from the choices of a scan. Refused `choose.gone` when it is not among them now."""
        code = parse_code(text, self._prefixes)
        if isinstance(code, Refused):
            return code
        judged = self.scanner.look(code)
        if judged is None:
            return Refused("scan.no-round")
        if all(choice.stay_key != stay_key for choice in judged.choices):
            return Refused("choose.gone")
        return self.scanner.enter(code, how=words.GUN, chosen=stay_key, courier=courier)

    def tick(self, stay_key: str, courier: str) -> Verdict | Refused:
        """Take a record by its line on the list of the ward at hand. Refused `scan.no-round`, `choose.gone`."""
        hand = self.scanner.hand
        if hand is None:
            return Refused("scan.no-round")
        if all(row.key != stay_key for row in self.due(hand.ward)):
            return Refused("choose.gone")
        code = parse_code(stay_key, self._prefixes)
        return code if isinstance(code, Refused) else self.scanner.enter(code, how=words.HAND, courier=courier)

    def backfill(self, text: str, at_ms: int, courier: str) -> Verdict | Refused:
        """补单录入: written up later, with the time it happened and a mark. The route has asked for the right."""
        code = parse_code(text, self._prefixes)
        if isinstance(code, Refused):
            return code
        return self.scanner.enter(code, how=words.BACKFILL, at_ms=at_ms, may_backfill=True, courier=courier)

    def undo_last(self, courier: str) -> FactId | Refused:
        """One key: the newest own scan of the round at hand goes back. Returns the scan that no longer counts."""
        hand = self.scanner.hand
        if hand is None:
            return Refused("scan.no-round")
        with self._store.write(actor=courier) as unit:
            scans = [decide.Scan(t.key, t.fact, t.who, t.counts) for t in rounds.taken_in(unit.conn, hand.round_key)]
            decision = decide.undo_last(scans, courier, hand.status)
            if isinstance(decision, Refused):
                return decision
            for new in decision:
                unit.append(new)
            self.scanner.forget()
        return next(scan.fact for scan in reversed(scans) if scan.counts)

    def give_reason(self, stay_key: str, fact: FactId, reason: str, note: str | None, courier: str) -> Refused | None:
        """Answer a warning, now or later."""
        return self._on_stay(stay_key, courier, lambda stay: decide.give_reason(stay_key, stay, fact, reason, note))

    def put_back(self, stay_key: str, fact: FactId, courier: str) -> Refused | None:
        """A warned record goes back to the ward: that scan, not the newest one, no longer counts.

        Refused `round.handed-over`, `undo.not-own`, `correct.gone`.
        """
        hand = self.scanner.hand
        if hand is None:
            return Refused("scan.no-round")
        with self._store.read() as conn:
            row = rounds.taken(conn, hand.round_key, fact)
        if row is None or row.key != stay_key or not row.counts:
            return Refused("correct.gone")
        if row.who != courier:
            return Refused("undo.not-own")
        return self._on_stay(stay_key, courier, lambda stay: decide.undo_collection(stay_key, stay, fact, "put-back"))

    def correct(self, stay_key: str, fact: FactId, to_key: str, reason: str, courier: str) -> Refused | None:
        """A later correction: both entries are kept."""
        return self._on_stay(stay_key, courier, lambda stay: decide.correct(stay_key, stay, fact, to_key, reason))

    def stay_meant(self, text: str) -> str | Refused:
        """The stay of a typed number, for a correction. Refused `correct.which` when several stays carry it."""
        code = parse_code(text, self._prefixes)
        if isinstance(code, Refused):
            return code
        if code.stay_no is not None:
            return code.key
        with self._store.read() as conn:
            stays = CarriedList(conn).stays_of(code.record_no)
        due = [stay for stay in stays if stay.due] or list(stays)
        if len(due) > 1:
            return Refused("correct.which")
        return due[0].key if due else code.key

    def rounds_since(self, courier: str, since_ms: int) -> list[RoundRow]:
        """One courier's rounds, newest first."""
        with self._store.read() as conn:
            return rounds.rounds_since(conn, courier, since_ms)

    def _on_stay(self, stay_key: str, actor: str, say: Callable[[Stay], decide.Decision]) -> Refused | None:
        with self._store.write(actor=actor) as unit:
            stay = unit.state(STAY, stay_key)
            decision = Refused("correct.gone") if stay is None else say(stay)
            if isinstance(decision, Refused):
                return decision
            for new in decision:
                unit.append(new)
        self.scanner.forget()
        return None

    def count(self, round_key: str, by_hand: int, actor: str) -> Refused | None:
        """Somebody has counted the pile."""
        if not 0 <= by_hand <= 9999:
            return Refused("handover.count-missing")
        with self._store.write(actor=actor) as unit:
            row = rounds.round_of(unit.conn, round_key)
            if row is None:
                return Refused("round.gone")
            if row.handed_over_at_ms is not None:
                return Refused("handover.done")
            unit.append(facts.counted(round_key, by_hand))
        self.scanner.forget()
        return None

    def counts(self, round_key: str) -> Counts | None:
        """Expected, scanned, counted by hand, and the differences so far."""
        with self._store.read() as conn:
            row = rounds.round_of(conn, round_key)
            if row is None:
                return None
            expected, went = _compare(conn, row)
        by_hand = row.by_hand
        named = handover.differences(row.ward, expected, went, len(went) if by_hand is None else by_hand)
        return Counts(row, len(expected), len(went), by_hand, named)

    def confirm(self, round_key: str, badge: str, actor: str) -> str | Refused:
        """The ward nurse's badge closes the round and orders the receipt in the same commit. Returns the print job."""
        confirmer = self._find(badge)
        with self._store.write(actor=actor) as unit:
            row = rounds.round_of(unit.conn, round_key)
            if row is None:
                return Refused("round.gone")
            expected, went = _compare(unit.conn, row)
            decision = handover.decide_confirm(round_key, row.status, row.ward, expected, went, row.by_hand, confirmer)
            if isinstance(decision, Refused):
                return decision
            for new in decision:
                unit.append(new)
            rounds.set_active(unit.conn, None, actor)
            self.scanner.forget()
            job = self._receipt(unit, round_key)
        self.scanner.forget()
        return job

    def reprint(self, round_key: str, actor: str) -> str | Refused:
        """Another receipt, marked with its copy number. Refused `receipt.too-early` before the hand-over."""
        with self._store.write(actor=actor) as unit:
            row = rounds.round_of(unit.conn, round_key)
            if row is None:
                return Refused("round.gone")
            if row.handed_over_at_ms is None:
                return Refused("receipt.too-early")
            return self._receipt(unit, round_key)

    def _receipt(self, unit: Unit, round_key: str) -> str:
        state = load_state(unit.conn, ROUND, round_key)
        row = rounds.round_of(unit.conn, round_key)
        assert state is not None and row is not None
        copy_no = state.next_copy_no
        went = [t for t in rounds.taken_in(unit.conn, round_key) if t.counts]
        job = self._order_receipt(unit, row, went, copy_no)
        unit.append(facts.receipt_queued(round_key, job, 1, copy_no))
        return job

    def receipt_marked(self, unit: Unit, round_key: str, job: str, outcome: str) -> None:
        """The printer's proof, in the transaction that marks the ledger."""
        if outcome in ("confirmed", "uncertain", "failed"):
            unit.append(NewFact(facts.RECEIPT_PRINTED, ROUND, round_key, {1: job, 2: outcome}))


def _compare(conn: object, row: RoundRow) -> tuple[list[str], list[handover.Scanned]]:
    """What the ward's list expects of this round (still due, or taken in it), and what went through the gun."""
    went = {t.key: handover.Scanned(t.key, t.home_ward) for t in rounds.taken_in(conn, row.key) if t.counts}
    still = [due.key for due in rounds.due_on(conn, row.ward)]
    expected = still + [key for key, one in went.items() if one.ward == row.ward]
    return expected, list(went.values())
