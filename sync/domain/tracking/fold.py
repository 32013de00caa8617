"""Fold of a stay: a fact happened, so the state says so. Never refuses and never raises on a body that has its shape.

The store hands facts in order key; a late one makes it fold again from the checkpoint. An undo, a correction, a reason
or a settlement may sort before what it names (another machine's clock): they are kept by the id they name and count
when that arrives. A collection and its copy rebuilt from a receipt are one act, whichever is folded first; once the
original is here, its own words stand.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Mapping
from typing import Final

from sync.domain.tracking import facts
from sync.domain.tracking.follow import follow
from sync.domain.tracking.standing import stand
from sync.domain.tracking.state import AdminEvent, Collection, Missed, Printed, Reception, Settlement, Stay, changed
from sync.kernel.fact import Annotation, Fact
from sync.kernel.ids import FactId
from sync.merge import append_log
from sync.merge.shape import from_ref

Step = Callable[[Stay, Fact, FactId, Annotation], Stay]


def fold(stay: Stay, fact: Fact, fid: FactId, ann: Annotation) -> Stay:
    """The stay after the fact; the same stay for a kind that is not a stay's."""
    step = STEPS.get(fact.kind)
    if step is None:
        return stay
    after = step(stay, fact, fid, ann)
    if not after.record_no:
        after.record_no, after.stay_no = facts.split_stay_key(str(fact.key))
    return follow(after)


def _administrative(stay: Stay, fact: Fact, fid: FactId, ann: Annotation) -> Stay:
    body = fact.body
    ward = on = ""
    if fact.kind == facts.OPENED:
        ward, on = body[3], body.get(4) or ""
    elif fact.kind == facts.MOVED:
        ward = body[1]
    elif fact.kind == facts.DISCHARGED:
        ward, on = body[1], body[2]
    event = AdminEvent(body[8], body[9], fact.kind, ward, on)
    if event in stay.events:
        return changed(stay)
    events = list(stay.events)
    insort(events, event)
    played = stand(tuple(events))
    return changed(stay, events=tuple(events), **played._asdict())


def _seal(stay: Stay, fact: Fact, fid: FactId, ann: Annotation) -> Stay:
    return changed(stay, sealed=fact.kind == facts.SEALED, seal_reason=fact.body[1])


def _collected(stay: Stay, fact: Fact, fid: FactId, ann: Annotation) -> Stay:
    body = fact.body
    ref = body.get(8)
    one = Collection(
        fact=fid,
        who=body.get(10) or fact.actor or fid.node,
        node=fid.node,
        round=body[1],
        ward=body[2],
        at_ms=body[7],
        how=body[5],
        verdict=body[3],
        reason=body.get(4),
        rebuilt_from=None if ref is None else from_ref(ref),
        pending=ann.rev is None,
        seal_stood=stay.sealed,
    )
    return changed(stay, collections=append_log.add(stay.collections, one, _identity, _same_act))


def _identity(one: Collection) -> FactId:
    return one.rebuilt_from or one.fact


def _same_act(held: Collection, told: Collection) -> Collection:
    """The original's words stand; every other fact of the act is remembered, sorted, so that order leaves no trace."""
    stands, other = (told, held) if told.rebuilt_from is None else (held, told)
    if stands.rebuilt_from is not None and told.fact < held.fact:
        stands, other = told, held
    also = {*held.also, *told.also, other.fact} - {stands.fact}
    return stands._replace(also=tuple(sorted(also)), seal_stood=held.seal_stood and told.seal_stood)


def _undone(stay: Stay, fact: Fact, fid: FactId, ann: Annotation) -> Stay:
    return changed(stay, undone=append_log.add(stay.undone, from_ref(fact.body[1]), _itself))


def _itself(fact: FactId) -> FactId:
    return fact


def _corrected(stay: Stay, fact: Fact, fid: FactId, ann: Annotation) -> Stay:
    return changed(stay, corrections=(*stay.corrections, (from_ref(fact.body[1]), fact.body[2])))


def _reason(stay: Stay, fact: Fact, fid: FactId, ann: Annotation) -> Stay:
    return changed(stay, reasons=(*stay.reasons, (from_ref(fact.body[1]), fact.body[2])))


def _received(stay: Stay, fact: Fact, fid: FactId, ann: Annotation) -> Stay:
    who = fact.actor or fid.node
    one = Reception(fid, fact.body[1], fact.body[2], who, fid.node, fact.at_ms, ann.rev is None)
    return changed(stay, receptions=append_log.add(stay.receptions, one, lambda held: held.fact))


def _missed(stay: Stay, fact: Fact, fid: FactId, ann: Annotation) -> Stay:
    return changed(
        stay, misses=append_log.add(stay.misses, Missed(fid, fact.body[1], fact.at_ms), lambda one: one.fact)
    )


def _settled(stay: Stay, fact: Fact, fid: FactId, ann: Annotation) -> Stay:
    body = fact.body
    one = Settlement(fid, body[1], body[2], body[3], body.get(4), fact.actor or fid.node, fact.at_ms)
    return changed(stay, settlements=append_log.add(stay.settlements, one, lambda held: held.fact))


def _label(stay: Stay, fact: Fact, fid: FactId, ann: Annotation) -> Stay:
    one = Printed(fid, fact.body[1], fact.body[2], fact.at_ms)
    return changed(stay, labels=append_log.add(stay.labels, one, lambda held: held.fact))


STEPS: Final[Mapping[int, Step]] = {
    facts.OPENED: _administrative,
    facts.MOVED: _administrative,
    facts.DISCHARGED: _administrative,
    facts.DISCHARGE_CANCELLED: _administrative,
    facts.ADMISSION_CANCELLED: _administrative,
    facts.SEALED: _seal,
    facts.UNSEALED: _seal,
    facts.COLLECTED: _collected,
    facts.COLLECTION_UNDONE: _undone,
    facts.COLLECTION_CORRECTED: _corrected,
    facts.RECEIVED: _received,
    facts.RECEPTION_UNDONE: _undone,
    facts.MISSED: _missed,
    facts.REASON_GIVEN: _reason,
    facts.ANOMALY_SETTLED: _settled,
    facts.LABEL_PRINTED: _label,
}
