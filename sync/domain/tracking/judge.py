"""Judging one scan by the list that is carried: what the courier hears a moment after the gun.

A verdict is "as of" the list. It never blocks: a warning asks for a reason, and what a colleague did after the line
was cut comes out at the hub. Order of the questions, the first that holds is the verdict, further ones are notes:

    scanned already in this round, or by this courier   duplicate     nothing is written again
    in another courier's or the room's hands            taken
    sealed by the office                                sealed
    the patient has not left                            not_discharged
    the patient left from another ward                  wrong_ward
    none of these                                       good

A code without a stay number means the only due stay of this ward, else the only due stay of the site, else the courier
chooses. If a stay of the same number went through the gun in this round, the other one is offered and not taken: a gun
that fires twice must not collect a second volume. A merged number leads to the stays of the whole family of numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from sync.domain.tracking import words
from sync.domain.tracking.alias import family
from sync.domain.tracking.codes import Code
from sync.domain.tracking.state import COLLECTED, DISCHARGED, RECEIVED, UNHEARD, Stay


class CarriedStay(NamedTuple):
    """What the carried list knows of a stay. `takers`: user ids whose collection counts."""

    key: str
    ward: str | None
    state: str
    discharged_on: str | None
    sealed: bool
    takers: tuple[str, ...] = ()

    @property
    def due(self) -> bool:
        """Discharged and in nobody's hands."""
        return self.state == DISCHARGED


def carried(key: str, stay: Stay) -> CarriedStay:
    """The view of a folded stay."""
    takers = tuple(dict.fromkeys(one.who for one in stay.collections if one.counts))
    return CarriedStay(key, stay.ward, stay.state, stay.discharged_on, stay.sealed, takers)


class CarriedView(Protocol):
    """Look-ups in the carried list; each answers from this machine alone."""

    def stays_of(self, record_no: str) -> Sequence[CarriedStay]:
        """Every stay filed under exactly this number."""

    def alias(self, record_no: str) -> str | None:
        """The number that this one was merged into."""

    def merged_from(self, record_no: str) -> Iterable[str]:
        """The numbers that were merged into this one."""


class RoundView(Protocol):
    """The round at hand."""

    @property
    def courier(self) -> str:
        """User id of whoever scans."""

    def scanned(self, stay_key: str) -> bool:
        """Whether a scan of this round stands for the stay."""


class Choice(NamedTuple):
    """One stay to choose from."""

    stay_key: str
    ward: str | None
    discharged_on: str | None
    state: str


class Judgement(NamedTuple):
    """`stay_key` is None exactly for `choose`. `code` is what was read; `ward` the stay's, where it is known."""

    verdict: str
    stay_key: str | None
    choices: tuple[Choice, ...]
    notes: tuple[str, ...]
    code: Code
    ward: str | None = None

    @property
    def asks_reason(self) -> bool:
        """Whether the courier is asked why; an answer may come later."""
        return self.verdict in words.REASONS

    @property
    def counts(self) -> bool:
        """Whether this scan is a collection."""
        return self.verdict not in (words.DUPLICATE, words.CHOOSE)


def judge(code: Code, ward: str, view: CarriedView, round_view: RoundView) -> Judgement:
    """Judge a scan on a ward."""
    stays, merged = _found(code, view)
    if not stays:
        known_here = round_view.scanned(code.key)
        return Judgement(words.DUPLICATE if known_here else words.UNKNOWN, code.key, (), merged, code)
    if code.stay_no is not None:
        return _about(stays[0], ward, merged, round_view, code)
    due = [stay for stay in stays if stay.due and not round_view.scanned(stay.key)]
    near = [stay for stay in due if stay.ward == ward] or due
    if not near:
        return _about(_latest(stays, round_view), ward, merged, round_view, code)
    if len(near) > 1:
        return Judgement(words.CHOOSE, None, _choices(near), merged, code)
    if any(_mine(stay, round_view) for stay in stays):
        return Judgement(words.CHOOSE, None, _choices(near), (*merged, words.SCANNED_BEFORE), code)
    return _about(near[0], ward, merged, round_view, code)


def judge_chosen(judged: Judgement, stay_key: str, ward: str, view: CarriedView, round_view: RoundView) -> Judgement:
    """Judge the stay that the courier picked from the choices of an earlier judgement."""
    stays, merged = _found(Code(judged.code.record_no, None), view)
    for stay in stays:
        if stay.key == stay_key:
            return _about(stay, ward, merged, round_view, judged.code)
    return Judgement(words.UNKNOWN, stay_key, (), merged, judged.code)


def judge_reception(code: Code, view: CarriedView, expected: frozenset[str], received: frozenset[str]) -> Judgement:
    """Judge a scan in the records room: good, duplicate, unknown, choose; `taken` is a record nobody signed for.

    `expected` are the stays of the rounds that are handed in, `received` those scanned in this hand-in.
    """
    stays, merged = _found(code, view)
    keys = [stay.key for stay in stays] or [code.key]
    wanted = [key for key in keys if key in expected and key not in received]
    if len(wanted) > 1:
        return Judgement(words.CHOOSE, None, _choices(stay for stay in stays if stay.key in wanted), merged, code)
    if wanted:
        return Judgement(words.GOOD, wanted[0], (), merged, code)
    again = [key for key in keys if key in received]
    if again:
        return Judgement(words.DUPLICATE, again[0], (), merged, code)
    if not stays:
        return Judgement(words.UNKNOWN, code.key, (), merged, code)
    due = [stay for stay in stays if stay.due]
    if len(due) > 1 or (not due and len(stays) > 1):
        return Judgement(words.CHOOSE, None, _choices(due or stays), merged, code)
    stay = (due or stays)[0]
    return Judgement(words.TAKEN, stay.key, (), merged, code, stay.ward)


def _found(code: Code, view: CarriedView) -> tuple[list[CarriedStay], tuple[str, ...]]:
    """Stays under the number read and, by merges, under its family; the number read comes first.

    What is left of a scan that was undone is no stay: nobody ever told of it, and it is in nobody's hands.
    """
    own = list(view.stays_of(code.record_no))
    others = family(code.record_no, view.alias, view.merged_from)[1:]
    stays = own + [stay for number in others for stay in view.stays_of(number)]
    stays = [stay for stay in stays if stay.state != UNHEARD]
    if code.stay_no is not None:
        stays = [stay for stay in stays if stay.key.rpartition("-")[2] == code.stay_no]
    return stays, ((words.MERGED,) if view.alias(code.record_no) is not None else ())


def _mine(stay: CarriedStay, round_view: RoundView) -> bool:
    return round_view.scanned(stay.key) or (stay.state == COLLECTED and round_view.courier in stay.takers)


def _latest(stays: Sequence[CarriedStay], round_view: RoundView) -> CarriedStay:
    """No stay is due: the one that most likely lies under the gun."""
    return max(
        stays,
        key=lambda stay: (
            _mine(stay, round_view),
            stay.state == COLLECTED,
            stay.discharged_on is None,
            stay.discharged_on or "",
            stay.key,
        ),
    )


def _about(stay: CarriedStay, ward: str, merged: tuple[str, ...], round_view: RoundView, code: Code) -> Judgement:
    if _mine(stay, round_view):
        return Judgement(words.DUPLICATE, stay.key, (), merged, code, stay.ward)
    held: list[str] = []
    notes = list(merged)
    if stay.state in (COLLECTED, RECEIVED):
        held.append(words.TAKEN)
        if stay.state == RECEIVED:
            notes.append(words.RECEIVED_ALREADY)
    elif stay.state != DISCHARGED:
        held.append(words.NOT_DISCHARGED)
    if stay.sealed:
        held.append(words.SEALED)
    if stay.ward is not None and stay.ward != ward:
        held.append(words.WRONG_WARD)
    held.sort(key=_RANK.index)
    verdict = held[0] if held else words.GOOD
    notes += [word for word in held[1:] if word in words.NOTES]
    return Judgement(verdict, stay.key, (), tuple(notes), code, stay.ward)


_RANK = [words.TAKEN, words.SEALED, words.NOT_DISCHARGED, words.WRONG_WARD]


def _choices(stays: Iterable[CarriedStay]) -> tuple[Choice, ...]:
    """Newest discharge first."""
    ordered = sorted(stays, key=lambda stay: (stay.discharged_on or "", stay.key), reverse=True)
    return tuple(Choice(stay.key, stay.ward, stay.discharged_on, stay.state) for stay in ordered)
