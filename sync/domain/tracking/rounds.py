"""A round: one courier at one ward, from the first scan to the nurse's badge and the receipt.

The machine is about the meeting at the ward. What was scanned is not here: each scan is a fact of its stay and names
the round. `new` is a round known only by name: its opening is on a lost hand-held or has not come yet, so counting or
the hand-over may be heard first. Paper is beside the machine (a receipt may wait for days), and so is a rebuilt batch.
A missing pair changes nothing: counting again after the hand-over is kept in the log and moves no one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from sync.domain.tracking import facts
from sync.kernel.fact import Annotation, Fact
from sync.kernel.ids import FactId
from sync.merge import append_log
from sync.merge.machine import Table, next_state

NEW, OPEN, COUNTED, HANDED_OVER = "new", "open", "counted", "handed_over"

ROUND_MACHINE: Final[Table] = {
    (NEW, "opened"): OPEN,
    (NEW, "counted"): COUNTED,
    (NEW, "handed_over"): HANDED_OVER,
    (OPEN, "counted"): COUNTED,
    (OPEN, "handed_over"): HANDED_OVER,
    (COUNTED, "handed_over"): HANDED_OVER,
}
_WORDS: Final = {facts.ROUND_OPENED: "opened", facts.COUNTED: "counted", facts.HANDED_OVER: "handed_over"}


class Receipt(NamedTuple):
    """One receipt of the round. `outcome` "" until the printer has proved one; `copy_no` from 1 is a marked reprint."""

    job: str
    copy_no: int
    outcome: str


@dataclass(slots=True)
class Round:
    """A value. `rebuilt`: (by node, codes read, codes in all), once per node."""

    status: str = NEW
    ward: str | None = None
    courier: str | None = None
    list_as_of_ms: int | None = None
    opened_at_ms: int | None = None
    by_hand: int | None = None
    nurse: str | None = None
    expected: int | None = None
    scanned: int | None = None
    differences: tuple[tuple[str, str], ...] = ()
    handed_over_at_ms: int | None = None
    receipts: tuple[Receipt, ...] = ()
    rebuilt: tuple[tuple[str, int, int], ...] = ()
    extra: dict[int, Any] = field(default_factory=dict)

    @property
    def next_copy_no(self) -> int:
        """0 for the original, then 1, 2, … for reprints."""
        return len(self.receipts)


def fold(state: Round, fact: Fact, fid: FactId, ann: Annotation) -> Round:
    """The first hand-over counts; a later one is in the log."""
    body, kind = fact.body, fact.kind
    status = next_state(ROUND_MACHINE, state.status, _WORDS.get(kind, ""))
    if kind == facts.ROUND_OPENED:
        told = {"ward": body[1], "courier": body[2], "list_as_of_ms": body[3], "opened_at_ms": fact.at_ms}
        return replace(state, status=status, **told)
    if kind == facts.COUNTED and state.status != HANDED_OVER:
        return replace(state, status=status, by_hand=body[1])
    if kind == facts.HANDED_OVER and state.status != HANDED_OVER:
        return replace(
            state,
            status=status,
            nurse=body[1],
            expected=body[2],
            scanned=body[3],
            by_hand=body[4],
            differences=tuple((key, code) for key, code in body[5]),
            handed_over_at_ms=fact.at_ms,
        )
    if kind == facts.RECEIPT_QUEUED:
        return replace(state, receipts=append_log.add(state.receipts, Receipt(body[1], body[3], ""), _job, _queued))
    if kind == facts.RECEIPT_PRINTED:
        return replace(state, receipts=append_log.add(state.receipts, Receipt(body[1], 0, body[2]), _job, _proved))
    if kind == facts.ROUND_REBUILT:
        one = (body[1], body[2][0], body[2][1])
        ward, courier = state.ward or body.get(3), state.courier or body.get(4)
        return replace(state, ward=ward, courier=courier, rebuilt=append_log.add(state.rebuilt, one, _node, _more))
    return state


def _job(one: Receipt) -> str:
    return one.job


def _queued(held: Receipt, told: Receipt) -> Receipt:
    return held._replace(copy_no=told.copy_no)


def _proved(held: Receipt, told: Receipt) -> Receipt:
    return held._replace(outcome=told.outcome)


def _node(one: tuple[str, int, int]) -> str:
    return one[0]


def _more(held: tuple[str, int, int], told: tuple[str, int, int]) -> tuple[str, int, int]:
    return max(held, told)


_PLAIN: Final = (
    "status", "ward", "courier", "list_as_of_ms", "opened_at_ms", "by_hand", "nurse", "expected", "scanned",
    "handed_over_at_ms",
)  # fmt: skip
"""Fields stored as they are, numbered from 1 in this order; a new one goes to the end and takes a free number."""


def dump(state: Round) -> dict[int, Any]:
    """Numbered map."""
    made = {number: value for number, name in enumerate(_PLAIN, 1) if (value := getattr(state, name)) is not None}
    made[11] = [list(one) for one in state.differences]
    made[12] = [list(one) for one in state.receipts]
    made[13] = [list(one) for one in state.rebuilt]
    return made | state.extra


def load(kept: Mapping[int, Any]) -> Round:
    """Back."""
    plain = {name: kept[number] for number, name in enumerate(_PLAIN, 1) if number in kept}
    return Round(
        **plain,
        differences=tuple((key, code) for key, code in kept.get(11, ())),
        receipts=tuple(Receipt(*one) for one in kept.get(12, ())),
        rebuilt=tuple((node, k, n) for node, k, n in kept.get(13, ())),
        extra={number: value for number, value in kept.items() if number > 13},
    )
