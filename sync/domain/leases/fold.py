"""A resource and what was used of its leases, everywhere at once.

A unit is the count after a use, so a box that was copied or put back shows as the same unit taken twice. A hold's acts
carry its fence, and one below the highest seen came too late: it is kept, and a person settles it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sync.domain.leases.facts import LEASE_RETURNED, LEASE_SPENT
from sync.kernel.fact import Annotation, Fact
from sync.kernel.ids import FactId
from sync.merge import fence

STALE_FENCE, UNIT_TWICE, OVER_QUOTA, AFTER_RETURN = "stale-fence", "unit-twice", "over-quota", "after-return"
ANOMALIES_MAX: Final = 50
RETURNED_MAX: Final = 100
"""Leases of a resource of which late uses are still told apart; more than any one resource has in use."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Of one lease: `total` units in all facts, `high` the highest unit. More total than high: some taken twice."""

    total: int = 0
    high: int = 0


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What two sides say differently."""

    code: str
    lease: bytes
    fact: FactId


@dataclass(slots=True)
class Resource:
    """A value. `open`: leases with uses and without their end; `returned`: the newest that have ended."""

    fence: int = 0
    open: Mapping[bytes, Spent] = field(default_factory=dict)
    returned: tuple[bytes, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    extra: dict[int, Any] = field(default_factory=dict)


def fold(state: Resource, fact: Fact, fid: FactId, ann: Annotation) -> Resource:
    """What is known of the resource after this fact."""
    if fact.lease is None:
        return state
    lease, unit = fact.lease
    if fact.kind == LEASE_SPENT and fact.body[1] == "hold":
        return _held(state, lease, unit, fid)
    if fact.kind == LEASE_SPENT:
        return _spent(state, fact, lease, unit, fid)
    if fact.kind == LEASE_RETURNED and lease not in state.returned:
        left = {name: spent for name, spent in state.open.items() if name != lease}
        return replace(state, open=left, returned=(*state.returned, lease)[-RETURNED_MAX:])
    return state


def _held(state: Resource, lease: bytes, number: int, fid: FactId) -> Resource:
    """An act under a hold. Giving back is none: who was overtaken may do that at any time."""
    highest, late = fence.seen(state.fence, number)
    return _anomaly(state, STALE_FENCE, lease, fid) if late else replace(state, fence=highest)


def _spent(state: Resource, fact: Fact, lease: bytes, unit: int, fid: FactId) -> Resource:
    if lease in state.returned:
        return _anomaly(state, AFTER_RETURN, lease, fid)
    units, quota = fact.body[2], fact.body[3]
    before = state.open.get(lease, Spent())
    after = Spent(before.total + units, max(before.high, unit))
    state = replace(state, open={**state.open, lease: after})
    if unit - units < before.high:
        state = _anomaly(state, UNIT_TWICE, lease, fid)
    if after.total > quota >= before.total:
        state = _anomaly(state, OVER_QUOTA, lease, fid)
    return state


def _anomaly(state: Resource, code: str, lease: bytes, fid: FactId) -> Resource:
    return replace(state, anomalies=(*state.anomalies, Anomaly(code, lease, fid))[-ANOMALIES_MAX:])


def dump(state: Resource) -> dict[int, Any]:
    """Numbered map."""
    return {
        1: state.fence,
        2: [[name, spent.total, spent.high] for name, spent in sorted(state.open.items())],
        3: list(state.returned),
        4: [[a.code, a.lease, *a.fact] for a in state.anomalies],
        **state.extra,
    }


def load(kept: Mapping[int, Any]) -> Resource:
    """Back."""
    return Resource(
        kept[1],
        {name: Spent(total, high) for name, total, high in kept[2]},
        tuple(kept[3]),
        tuple(Anomaly(row[0], row[1], FactId(*row[2:])) for row in kept[4]),
        {number: value for number, value in kept.items() if number > 4},
    )
