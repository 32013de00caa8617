"""What follows from a stay's facts: which collections count, and which questions a person has to answer.

Nothing here is written by anybody. A discharge that arrives late closes `stay.unknown` by itself, an original that
arrives after its rebuilt twin changes nothing, and a third courier makes a new question out of a settled one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from sync.domain.tracking import words
from sync.domain.tracking.state import CANCELLED, IN_HOUSE, UNHEARD, Anomaly, Collection, Reception, Stay
from sync.kernel.ids import FactId

Question = tuple[str, tuple[FactId, ...], int]


def follow(stay: Stay) -> Stay:
    """Set the fields that follow, in place; for the maker of a new value only."""
    if stay.undone or stay.corrections or stay.reasons:
        stay.collections = tuple(_marked(stay, one) for one in stay.collections)
        undone = stay.undone
        stay.receptions = tuple(one._replace(undone=one.fact in undone) for one in stay.receptions)
    if not (stay.collections or stay.receptions or stay.misses):
        stay.anomalies = ()
        return stay
    said = {one.anomaly: one.outcome for one in stay.settlements}
    stay.anomalies = tuple(
        Anomaly(name, code, named, at_ms, said.get(name))
        for code, named, at_ms in _questions(stay)
        for name in (anomaly_id(code, named),)
    )
    return stay


def anomaly_id(code: str, named: tuple[FactId, ...]) -> str:
    """`code:` and 12 hex digits over the facts in question."""
    told = "|".join(sorted(str(fact) for fact in named))
    return f"{code}:{hashlib.sha256(told.encode()).hexdigest()[:12]}"


def _marked(stay: Stay, one: Collection) -> Collection:
    """An original undone is undone for all its copies; a rebuilt copy undone leaves what else tells of the act."""
    claims = {one.fact, *one.also}
    undone = one.identity in stay.undone or claims.issubset(stay.undone)
    corrected_to = None
    for fact, to_key in stay.corrections:
        if fact == one.identity or fact in claims:
            corrected_to = to_key
    reason = one.reason
    for fact, given in stay.reasons:
        if fact == one.identity or fact in claims:
            reason = given
    return one._replace(undone=undone, corrected_to=corrected_to, reason=reason)


def _questions(stay: Stay) -> Iterator[Question]:
    counting = [one for one in stay.collections if one.counts]
    received = [one for one in stay.receptions if not one.undone]
    if len(counting) > 1 and len({one.who for one in counting}) > 1:
        counting.sort(key=lambda one: (one.at_ms, one.identity))
        yield words.COLLECTED_TWICE, tuple(one.identity for one in counting), counting[1].at_ms
    for one in counting:
        if one.seal_stood and one.verdict != words.SEALED:
            yield words.COLLECTED_SEALED, (one.identity,), one.at_ms
    if counting and stay.standing in (IN_HOUSE, CANCELLED):
        untold = [one for one in counting if one.verdict != words.NOT_DISCHARGED]
        if untold:
            yield words.COLLECTED_CANCELLED, tuple(one.identity for one in untold), untold[0].at_ms
    if counting and stay.standing == UNHEARD:
        yield words.STAY_UNKNOWN, tuple(one.identity for one in counting), counting[0].at_ms
    yield from _room(stay, counting, received)


def _room(stay: Stay, counting: list[Collection], received: list[Reception]) -> Iterator[Question]:
    """What the records room and the courier do not agree on."""
    if stay.misses and not received:
        yield words.ROOM_MISSING, tuple(one.fact for one in stay.misses), stay.misses[0].at_ms
    if received and not counting:
        yield words.ROOM_EXTRA, tuple(one.fact for one in received), received[0].at_ms
