"""What may be done with a record now, where the person stands. Each answer is the facts to write, or a refusal.

An empty list is a yes with nothing to write: it was so already. Whether the person holds the right is asked before
(every route names one); only the right that marks a fact, back-filling, is asked here as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sync.domain.tracking import facts, handins, rounds, words
from sync.domain.tracking.judge import Judgement
from sync.domain.tracking.state import UNHEARD, Collection, Stay
from sync.kernel.fact import NewFact
from sync.kernel.ids import FactId
from sync.kernel.outcome import Refused

Decision = list[NewFact] | Refused


class Scan(NamedTuple):
    """One collection as the round's own list holds it, oldest first."""

    stay_key: str
    fact: FactId
    who: str
    counts: bool


def open_round(key: str, ward: str, courier: str, list_as_of_ms: int | None) -> Decision:
    """Begin at a ward. Refused `round.no-list` when no list ever reached this machine."""
    if list_as_of_ms is None:
        return Refused("round.no-list", {"ward": ward})
    return [facts.round_opened(key, ward, courier, list_as_of_ms)]


def collect(
    judged: Judgement,
    *,
    round_key: str,
    round_status: str,
    ward: str,
    how: str,
    at_ms: int,
    now_ms: int,
    list_as_of_ms: int,
    reason: str | None = None,
    may_backfill: bool = False,
) -> Decision:
    """Take a record. A duplicate writes nothing; a warning without a reason is taken all the same.

    Refused `round.handed-over`, `collect.choose`, `collect.reason`, `backfill.right`, `backfill.future`. `at_ms` may
    differ from `now_ms` for a back-fill alone.
    """
    if round_status == rounds.HANDED_OVER and how != words.BACKFILL:
        return Refused("round.handed-over")
    if judged.stay_key is None:
        return Refused("collect.choose", {"choices": len(judged.choices)})
    if reason is not None and reason not in words.ALL_REASONS:
        return Refused("collect.reason")
    if how == words.BACKFILL:
        if not may_backfill:
            return Refused("backfill.right")
        if at_ms > now_ms:
            return Refused("backfill.future")
        reason = reason or words.REASON_BACKFILL
    if judged.verdict == words.DUPLICATE:
        return []
    return [
        facts.collected(
            judged.stay_key,
            round_key=round_key,
            ward=ward,
            verdict=judged.verdict,
            how=how,
            read_no=judged.code.record_no,
            at_ms=max(at_ms, 0) if how == words.BACKFILL else max(now_ms, 0),
            list_as_of_ms=list_as_of_ms,
            reason=reason,
        )
    ]


def undo_last(scans: Sequence[Scan], courier: str, round_status: str, reason: str = "") -> Decision:
    """Take back the round's newest scan that still counts, if it is one's own.

    Refused `undo.nothing`, `undo.not-own`, `round.handed-over` (after the nurse's badge it is a correction).
    """
    if round_status == rounds.HANDED_OVER:
        return Refused("round.handed-over")
    last = next((scan for scan in reversed(scans) if scan.counts), None)
    if last is None:
        return Refused("undo.nothing")
    if last.who != courier:
        return Refused("undo.not-own")
    return [facts.collection_undone(last.stay_key, last.fact, reason)]


def correct(stay_key: str, stay: Stay, fact: FactId, to_key: str, reason: str) -> Decision:
    """The scan was of another stay: both entries are kept, the new one counts.

    Refused `correct.gone` (no such scan, or it counts no more), `correct.same`.
    """
    wrong = _counting(stay, fact)
    if wrong is None:
        return Refused("correct.gone")
    if to_key == stay_key:
        return Refused("correct.same")
    right = facts.collected(
        to_key,
        round_key=wrong.round,
        ward=wrong.ward,
        verdict=words.GOOD,
        how=words.HAND,
        read_no=facts.split_stay_key(to_key)[0],
        at_ms=wrong.at_ms,
        list_as_of_ms=0,
        reason=words.REASON_CORRECTED,
        courier=wrong.who,
    )
    return [facts.collection_corrected(stay_key, wrong.identity, to_key, reason), right]


def undo_collection(stay_key: str, stay: Stay, fact: FactId, reason: str) -> Decision:
    """Take a scan back later, with a reason. Refused `correct.gone`, `correct.reason`."""
    if not reason.strip():
        return Refused("correct.reason")
    wrong = _counting(stay, fact)
    return Refused("correct.gone") if wrong is None else [facts.collection_undone(stay_key, wrong.identity, reason)]


def give_reason(stay_key: str, stay: Stay, fact: FactId, reason: str, note: str | None = None) -> Decision:
    """Answer a warning afterwards. Refused `correct.gone`, `reason.unknown` (not an answer to that verdict)."""
    asked = _counting(stay, fact)
    if asked is None:
        return Refused("correct.gone")
    if reason not in words.REASONS.get(asked.verdict, ()):
        return Refused("reason.unknown")
    return [] if asked.reason == reason else [facts.reason_given(stay_key, asked.fact, reason, note)]


def receive(stay_key: str | None, stay: Stay, handin_key: str, handin: handins.HandIn, how: str) -> Decision:
    """Take a record in. Scanned again in the same hand-in: nothing. Refused `handin.closed`, `receive.choose`."""
    if handin.status == handins.CLOSED:
        return Refused("handin.closed")
    if stay_key is None:
        return Refused("receive.choose")
    if any(one.handin == handin_key and not one.undone for one in stay.receptions):
        return []
    return [facts.received(stay_key, handin_key, how)]


def undo_reception(stay_key: str, stay: Stay, fact: FactId) -> Decision:
    """The reception was a mistake. Refused `correct.gone`."""
    if any(one.fact == fact and not one.undone for one in stay.receptions):
        return [facts.reception_undone(stay_key, fact)]
    return Refused("correct.gone")


def close_handin(key: str, handin: handins.HandIn, expected: Iterable[str], received: Iterable[str]) -> Decision:
    """Close the counter: what is missing becomes a question on its stay; what is extra is one already.

    Refused `handin.closed`, `handin.empty` (nothing signed for and nothing scanned).
    """
    if handin.status == handins.CLOSED:
        return Refused("handin.closed")
    wanted, got = set(expected), set(received)
    if not wanted and not got:
        return Refused("handin.empty")
    missing, extra = sorted(wanted - got), sorted(got - wanted)
    closing = facts.handin_closed(key, len(wanted), len(got), missing, extra)
    return [closing, *(facts.missed(stay_key, key) for stay_key in missing)]


def settle(stay_key: str, stay: Stay, anomaly_id: str, outcome: str, note: str | None = None) -> Decision:
    """Say what is true. Refused `anomaly.gone`, `anomaly.settled` (fields: outcome), `anomaly.outcome`."""
    asked = next((one for one in stay.anomalies if one.id == anomaly_id), None)
    if asked is None:
        return Refused("anomaly.gone")
    if not asked.open:
        return Refused("anomaly.settled", {"outcome": asked.settled})
    if outcome not in words.OUTCOMES[asked.code]:
        return Refused("anomaly.outcome")
    return [facts.anomaly_settled(stay_key, asked.code, anomaly_id, outcome, note)]


def seal(stay_key: str, stay: Stay, on: bool, reason: str) -> Decision:
    """Set or lift the seal. Refused `seal.reason`; as it is already: nothing."""
    if not reason.strip():
        return Refused("seal.reason")
    if stay.sealed == on:
        return []
    return [facts.sealed(stay_key, reason) if on else facts.unsealed(stay_key, reason)]


def administrative(stay: Stay, new: NewFact) -> list[NewFact]:
    """The hospital's message, unless exactly this one is here already: lists and messages are played again."""
    body = new.body
    known = {(event.event_at_ms, event.control, event.kind) for event in stay.events}
    return [] if (body[8], body[9], new.kind) in known else [new]


def adopt_unknown(stay_key: str, stay: Stay, due_keys: Sequence[str]) -> list[NewFact]:
    """A record was collected before any list named it, under its number alone; now the hospital has named its stay.

    The centre asks this when a discharge arrives and when such a collection does. With exactly one stay of the number
    that may be meant (`due_keys`), the collections move there and keep courier, time and verdict; with more, or none, a
    person settles it. Asked again it writes nothing.
    """
    if stay.standing != UNHEARD or len(due_keys) != 1 or due_keys[0] == stay_key:
        return []
    made: list[NewFact] = []
    for one in stay.collections:
        if one.counts:
            made.append(facts.collection_corrected(stay_key, one.identity, due_keys[0], ""))
            made.append(
                facts.collected(
                    due_keys[0],
                    round_key=one.round,
                    ward=one.ward,
                    verdict=one.verdict,
                    how=one.how if one.how != words.REBUILT else words.HAND,
                    read_no=stay.record_no,
                    at_ms=one.at_ms,
                    list_as_of_ms=0,
                    reason=one.reason,
                    courier=one.who,
                )
            )
    return made


def _counting(stay: Stay, fact: FactId) -> Collection | None:
    return next((one for one in stay.collections if one.counts and fact in (one.fact, one.identity, *one.also)), None)
