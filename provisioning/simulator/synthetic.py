"""Schemas that were never released, for boxes and hubs of different ages in one run. Product code knows none of them.

`speak` puts the catalogue of a schema in place of the one before, for whoever runs next in this process:
1 as it was released, without what 2 added · 2 the product's own · 3 synthetic: one more field, kind and type ·
4 synthetic: one more kind, and a field that every fact of an older kind is given when it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from sync import catalog
from sync.domain.blobs.facts import BLOB
from sync.domain.leases.facts import RESOURCE
from sync.domain.tracking import facts as stays
from sync.domain.tracking.state import Stay, changed
from sync.kernel.fact import Annotation, Body, Fact, NewFact
from sync.kernel.ids import LIVE, FactId
from sync.merge.shape import Shape, text, uint

OWN, LATER, LATEST = 2, 3, 4
CART: Final = 900
BAGGED: Final = 900
MOVED: Final = 901
WEIGHED: Final = 902
BAG: Final = 40
"""Field of a collection since its second version, and of a stay's stored state: the bags it went into."""
LOOSE: Final = "loose"
WEIGHT: Final = 41
"""Field of a stay's stored state: the greatest weight anybody said."""
GREY: Final = "grey"

_WRITERS: Final = frozenset({"courier", "records", "hub"})
_COLLECTED: Final = catalog.KINDS[stays.COLLECTED]
_STAY: Final = catalog.ENTITY_TYPES[stays.STAY]
_TYPES: Final = dict(catalog.ENTITY_TYPES)
_KINDS: Final = dict(catalog.KINDS)
_SINCE_2: Final = frozenset({RESOURCE, BLOB})


class _WithBag(Shape):
    """The shape of a collection and one optional field more."""

    def __init__(self, was: Shape) -> None:
        super().__init__(may={BAG: text(20)}, since={BAG: 2})
        self._was = was
        self.fields.update(was.fields)

    def __call__(self, body: Body) -> None:
        self._was(body)
        super().__call__(body)


def _fold_stay(stay: Stay, fact: Fact, fid: FactId, ann: Annotation) -> Stay:
    after = _STAY.fold(stay, fact, fid, ann)
    bag = fact.body.get(BAG) if fact.kind == stays.COLLECTED else fact.body[1] if fact.kind == BAGGED else None
    if bag is None:
        return after
    return changed(after, extra={**after.extra, BAG: sorted({*after.extra.get(BAG, ()), bag})})


def _fold_cart(places: tuple[str, ...], fact: Fact, fid: FactId, ann: Annotation) -> tuple[str, ...]:
    return (*places, fact.body[1])


def _fold_coloured(stay: Stay, fact: Fact, fid: FactId, ann: Annotation) -> Stay:
    if fact.kind == WEIGHED:
        return changed(stay, extra={**stay.extra, WEIGHT: max(fact.body[1], stay.extra.get(WEIGHT, 0))})
    after = _fold_stay(stay, fact, fid, ann)
    if fact.kind != BAGGED:
        return after
    bags = {*after.extra[BAG], f"{fact.body[1]} {fact.body[2]}"}
    return changed(after, extra={**after.extra, BAG: sorted(bags)})


_SAID: Final = Shape({1: text(20)})
_LATER_TYPES: Final = {
    **_TYPES,
    stays.STAY: replace(_STAY, fold=_fold_stay, fold_version=2),
    CART: catalog.EntityType(
        CART, "cart", "append_log", 1, tuple, _fold_cart, lambda places: {1: list(places)},
        lambda kept: tuple(kept.get(1, ())), lambda _: frozenset({"site:stays"}), text(40),
    ),
}  # fmt: skip
_LATER_KINDS: Final = {
    **_KINDS,
    stays.COLLECTED: replace(_COLLECTED, version=2, check=_WithBag(_COLLECTED.check)),
    BAGGED: catalog.Kind(BAGGED, "stay.bagged", 1, stays.STAY, LIVE, True, _SAID, _WRITERS),
    MOVED: catalog.Kind(MOVED, "cart.moved", 1, CART, LIVE, True, _SAID, _WRITERS),
}
_LATER_STEPS: Final = {(stays.COLLECTED, 1): lambda body: {**body, BAG: LOOSE}}
_COLOURED: Final = Shape({1: text(20), 2: text(20)}, since={2: 2})
_LATEST_KINDS: Final = {
    **_LATER_KINDS,
    BAGGED: replace(_LATER_KINDS[BAGGED], version=2, check=_COLOURED),
    WEIGHED: catalog.Kind(WEIGHED, "stay.weighed", 1, stays.STAY, LIVE, True, Shape({1: uint(9)}), _WRITERS),
}
_SCHEMAS: Final[Mapping[int, tuple[Mapping[int, Any], Mapping[int, Any], Mapping[Any, Any]]]] = {
    1: (
        {number: row for number, row in _TYPES.items() if number not in _SINCE_2},
        {number: row for number, row in _KINDS.items() if row.etype not in _SINCE_2},
        {},
    ),
    OWN: (_TYPES, _KINDS, dict(catalog.UPCASTS)),
    LATER: (_LATER_TYPES, _LATER_KINDS, _LATER_STEPS),
    LATEST: (
        {**_LATER_TYPES, stays.STAY: replace(_STAY, fold=_fold_coloured, fold_version=3)},
        _LATEST_KINDS,
        {**_LATER_STEPS, (BAGGED, 1): lambda body: {**body, 2: GREY}},
    ),
}
_spoken = [OWN]


def speak(schema: int) -> None:
    """From here on this process knows the kinds and types of `schema`, and no others."""
    if schema == _spoken[0]:
        return
    _spoken[0] = schema
    for held, rows in zip((catalog.ENTITY_TYPES, catalog.KINDS, catalog.UPCASTS), _SCHEMAS[schema], strict=True):
        assert isinstance(held, dict)
        held.clear()
        held.update(rows)
    catalog.schema_digest.cache_clear()


@contextmanager
def spoken(schema: int) -> Iterator[None]:
    """Within the block; afterwards what was spoken before it."""
    before = _spoken[0]
    speak(schema)
    try:
        yield
    finally:
        speak(before)


def bagged(key: str, bag: str) -> NewFact:
    """Synthetic: a record went into a bag; since its second version of a colour."""
    coloured = catalog.KINDS[BAGGED].version > 1
    return NewFact(BAGGED, stays.STAY, key, {1: bag, 2: "red"} if coloured else {1: bag})


def weighed(key: str, weight: int) -> NewFact:
    """Synthetic: a record was weighed."""
    return NewFact(WEIGHED, stays.STAY, key, {1: weight})


def moved(cart: str, place: str) -> NewFact:
    """Synthetic: a cart stands somewhere else."""
    return NewFact(MOVED, CART, cart, {1: place})


def collected_into(new: NewFact, bag: str) -> NewFact:
    """Synthetic: a collection that also says which bag it went into."""
    return replace(new, body={**new.body, BAG: bag})
