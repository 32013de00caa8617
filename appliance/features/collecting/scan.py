"""The hot path: a gun's text becomes a verdict that is durable, with no round trip and in one commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from appliance.features.collecting import store as rounds
from appliance.features.collecting.store import RoundRow
from appliance.store.carried import CarriedList
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import Change, NodeStore
from sync.domain.tracking import decide, words
from sync.domain.tracking.codes import Code, parse_code
from sync.domain.tracking.facts import STAY
from sync.domain.tracking.judge import Choice, Judgement, judge, judge_chosen
from sync.kernel.ids import FactId
from sync.kernel.outcome import Refused, Unavailable


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the courier hears and sees. `verdict` is the judge's word, or `refused` with the refusal's code.

    `n`: records of this round that count. `name` and `discharged_on` only where a carried list has them. `fact`: the
    scan's own id, None where nothing was written.
    """

    verdict: str
    at_ms: int
    n: int = 0
    key: str | None = None
    record_no: str | None = None
    name: str | None = None
    ward: str | None = None
    discharged_on: str | None = None
    notes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    fact: FactId | None = None
    refused: Refused | None = None
    list_as_of_ms: int = 0


class Hand(NamedTuple):
    """Who holds the gun, in which round."""

    courier: str
    round_key: str
    ward: str
    status: str
    list_as_of_ms: int


@dataclass(slots=True)
class _Round:
    """`sync.domain.tracking.judge.RoundView`: the keys that count in the round at hand."""

    courier: str
    keys: set[str] = field(default_factory=set)

    def scanned(self, stay_key: str) -> bool:
        return stay_key in self.keys


Told = Callable[[Verdict], None]


class Scanner:
    """Judges and writes scans of the active round. Thread-safe: the store's one writer is the lock.

    `last` is the newest verdict, for a page that is opened after the scan.
    """

    def __init__(self, store: NodeStore, prefixes: tuple[str, ...], told: Told) -> None:
        self._store = store
        self._prefixes = prefixes
        self._told = told
        self._hand: Hand | None = None
        self._round = _Round("")
        self._stale = True
        self.last: Verdict | None = None
        store.listen(self._changed)

    def _changed(self, changes: object) -> None:
        for change in changes:  # type: ignore[attr-defined]  # a sequence of Change
            assert isinstance(change, Change)
            if change.etype != STAY or change.source != "own":
                self._stale = True

    @property
    def hand(self) -> Hand | None:
        """The round at hand, read again after anything but this scanner's own writes has changed."""
        if self._stale:
            with self._store.read() as conn:
                self._load(conn)
        return self._hand

    def forget(self) -> None:
        self._stale = True

    def clear(self) -> None:
        """Nothing was scanned lately: the panel is empty again."""
        self.last = None

    def _load(self, conn: Connection) -> None:
        row = rounds.active(conn)
        self._hand = None if row is None else hand_of(row)
        self._round = _Round(row.courier if row else "", rounds.counting_keys(conn, row.key) if row else set())
        self._stale = False

    def scan(self, text: str, device: str | None = None) -> Verdict:
        """One code from a gun. Durable and told when this returns. What cannot be a code is only counted."""
        code = parse_code(text, self._prefixes)
        if isinstance(code, Refused):
            self._store.tally(code.code)
            return self._tell(Verdict("refused", self._store.clock.wall_ms(), len(self._round.keys), refused=code))
        return self._take(code, how=words.GUN, device=device)

    def enter(
        self,
        code: Code,
        *,
        how: str,
        reason: str | None = None,
        at_ms: int | None = None,
        may_backfill: bool = False,
        chosen: str | None = None,
        courier: str | None = None,
    ) -> Verdict:
        """A number entered by hand, chosen from a list, or written up later."""
        return self._take(
            code, how=how, reason=reason, at_ms=at_ms, may_backfill=may_backfill, chosen=chosen, courier=courier
        )

    def look(self, code: Code) -> Judgement | None:
        """What a code would be judged now, with nothing written; None outside a round."""
        hand = self.hand
        if hand is None:
            return None
        with self._store.read() as conn:
            return judge(code, hand.ward, CarriedList(conn), self._round)

    def _take(
        self,
        code: Code,
        *,
        how: str,
        device: str | None = None,
        reason: str | None = None,
        at_ms: int | None = None,
        may_backfill: bool = False,
        chosen: str | None = None,
        courier: str | None = None,
    ) -> Verdict:
        try:
            return self._judge_and_keep(code, how, device, reason, at_ms, may_backfill, chosen, courier)
        except Unavailable as fault:
            return self._tell(Verdict("refused", self._store.clock.wall_ms(), refused=Refused(fault.code)))

    def _judge_and_keep(
        self,
        code: Code,
        how: str,
        device: str | None,
        reason: str | None,
        at_ms: int | None,
        may_backfill: bool,
        chosen: str | None,
        courier: str | None,
    ) -> Verdict:
        now = self._store.clock.wall_ms()
        fact: FactId | None = None
        with self._store.write(device=device) as unit:
            if self._stale:
                self._load(unit.conn)
            hand = self._hand
            if hand is None or (courier is not None and courier != hand.courier):
                return self._tell(Verdict("refused", now, refused=Refused("scan.no-round")))
            unit.actor = hand.courier
            view = CarriedList(unit.conn)
            judged = judge(code, hand.ward, view, self._round)
            if chosen is not None:
                judged = judge_chosen(judged, chosen, hand.ward, view, self._round)
            decision: decide.Decision = []
            if judged.stay_key is not None:
                decision = decide.collect(
                    judged, round_key=hand.round_key, round_status=hand.status, ward=hand.ward, how=how,
                    at_ms=now if at_ms is None else at_ms, now_ms=now, list_as_of_ms=hand.list_as_of_ms, reason=reason,
                    may_backfill=may_backfill,
                )  # fmt: skip
            if not isinstance(decision, Refused):
                for new in decision:
                    fact = unit.append(new)
            due = unit.conn.execute(
                "SELECT name, discharged_on FROM custody_due WHERE key = ?", (judged.stay_key,)
            ).fetchone()
            keys = self._round.keys
            if isinstance(decision, Refused):
                verdict = Verdict("refused", now, len(keys), judged.stay_key, refused=decision)
            else:
                verdict = Verdict(
                    judged.verdict,
                    now,
                    len(keys) + (fact is not None and judged.stay_key not in keys),
                    judged.stay_key,
                    code.record_no,
                    due[0] if due else None,
                    judged.ward,
                    due[1] if due else None,
                    judged.notes,
                    words.REASONS.get(judged.verdict, ()),
                    judged.choices,
                    fact,
                    None,
                    hand.list_as_of_ms,
                )
            # Told before anybody else hears of the commit: the person waits, the line does not.
            unit.on_commit(partial(self._kept, verdict))
        return verdict

    def _kept(self, verdict: Verdict) -> None:
        if verdict.fact is not None and verdict.key is not None:
            self._round.keys.add(verdict.key)
        self._tell(verdict)

    def _tell(self, verdict: Verdict) -> Verdict:
        self.last = verdict
        self._told(verdict)
        return verdict


def hand_of(row: RoundRow) -> Hand:
    return Hand(row.courier, row.key, row.ward, row.status, row.list_as_of_ms)
