"""A stay as a numbered map of the CBOR subset, and back. Only what is kept is stored; what follows is made again.

Numbers from `FIRST_UNKNOWN` on come from a newer version: they are carried, not understood.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sync.domain.tracking.follow import follow
from sync.domain.tracking.standing import stand
from sync.domain.tracking.state import AdminEvent, Collection, Missed, Printed, Reception, Settlement, Stay
from sync.kernel.ids import FactId
from sync.merge.shape import from_ref, to_ref

FIRST_UNKNOWN: Final = 13


def dump(stay: Stay) -> dict[int, Any]:
    """Empty parts are left out."""
    made: dict[int, Any] = {1: stay.record_no, 2: stay.stay_no}
    if stay.events:
        made[3] = [list(event) for event in stay.events]
    if stay.sealed or stay.seal_reason is not None:
        made[4] = [stay.sealed, stay.seal_reason]
    if stay.collections:
        made[5] = [_collection(one) for one in stay.collections]
    if stay.undone:
        made[6] = [to_ref(fact) for fact in stay.undone]
    if stay.corrections:
        made[7] = [[to_ref(fact), to_key] for fact, to_key in stay.corrections]
    if stay.reasons:
        made[8] = [[to_ref(fact), reason] for fact, reason in stay.reasons]
    if stay.receptions:
        made[9] = [[to_ref(one.fact), *one[1:7]] for one in stay.receptions]
    if stay.misses:
        made[10] = [[to_ref(one.fact), *one[1:]] for one in stay.misses]
    if stay.labels:
        made[11] = [[to_ref(one.fact), *one[1:]] for one in stay.labels]
    if stay.settlements:
        made[12] = [[to_ref(one.fact), *one[1:]] for one in stay.settlements]
    if stay.extra:
        made.update(sorted(stay.extra.items()))
    return made


def load(kept: Mapping[int, Any]) -> Stay:
    """The stay, with what follows."""
    stay = Stay(kept.get(1, ""), kept.get(2, ""))
    if 3 in kept:
        stay.events = tuple(AdminEvent(*event) for event in kept[3])
        stay.standing, stay.ward, stay.admitted_on, stay.discharged_on = stand(stay.events)
    if 4 in kept:
        stay.sealed, stay.seal_reason = kept[4]
    if 5 in kept:
        stay.collections = tuple(_to_collection(one) for one in kept[5])
    stay.undone = tuple(from_ref(ref) for ref in kept.get(6, ()))
    stay.corrections = tuple((from_ref(ref), to_key) for ref, to_key in kept.get(7, ()))
    stay.reasons = tuple((from_ref(ref), reason) for ref, reason in kept.get(8, ()))
    stay.receptions = tuple(Reception(from_ref(one[0]), *one[1:]) for one in kept.get(9, ()))
    stay.misses = tuple(Missed(from_ref(one[0]), *one[1:]) for one in kept.get(10, ()))
    stay.labels = tuple(Printed(from_ref(one[0]), *one[1:]) for one in kept.get(11, ()))
    stay.settlements = tuple(Settlement(from_ref(one[0]), *one[1:]) for one in kept.get(12, ()))
    stay.extra = {number: value for number, value in kept.items() if number >= FIRST_UNKNOWN}
    return follow(stay)


def _collection(one: Collection) -> list[Any]:
    origin = None if one.rebuilt_from is None else to_ref(one.rebuilt_from)
    also = [to_ref(fact) for fact in one.also]
    return [to_ref(one.fact), *one[1:9], origin, one.pending, one.seal_stood, also]


def _to_collection(kept: list[Any]) -> Collection:
    origin: FactId | None = None if kept[9] is None else from_ref(kept[9])
    also = tuple(from_ref(ref) for ref in kept[12])
    fact, who, node, gathering, ward, at_ms, how, verdict, reason = kept[:9]
    return Collection(
        from_ref(fact), who, node, gathering, ward, at_ms, how, verdict, reason, origin, kept[10], kept[11], also
    )
