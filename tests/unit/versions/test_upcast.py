"""Facts of older versions, read as the newest: steps as tables, over a catalogue with a synthetic later version."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from sync import catalog
from sync.domain.people import facts as people
from sync.kernel.fact import Annotation, Body, Fact
from sync.kernel.ids import FactId
from sync.kernel.outcome import PeerFault
from sync.merge.shape import Shape, one_of, uint
from sync.merge.upcast import upcast

FIRST, SECOND, THIRD = {1: "a"}, {1: "a", 2: 7}, {1: "a", 2: 7, 3: "new"}
STEPS = {(9, 1): lambda body: {**body, 2: 7}, (9, 2): lambda body: {**body, 3: "new"}, (9, 4): lambda body: {}}


@pytest.mark.parametrize(
    ("version", "to", "body", "read"),
    [
        (1, 1, FIRST, FIRST),
        (1, 2, FIRST, SECOND),
        (2, 3, SECOND, THIRD),
        (1, 3, FIRST, THIRD),
        (1, 4, FIRST, THIRD),
        (3, 4, THIRD, THIRD),
        (4, 3, THIRD, THIRD),
        (5, 5, FIRST, FIRST),
    ],
)
def test_steps_are_composed(version: int, to: int, body: Body, read: Body) -> None:
    assert upcast(STEPS, 9, version, to, MappingProxyType(dict(body))) == read


def test_a_kind_without_steps_is_read_as_it_stands() -> None:
    assert upcast(STEPS, 8, 1, 3, FIRST) is FIRST


WAS = people.SHAPES[people.PASSWORD_SET]
SALTED = "$argon2id$v=19$abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Synthetic: a second and a third version of a kind, each with a field that must be there."""
    hash_rule = next(iter(WAS._must))[1]
    shape = Shape({1: hash_rule, 2: one_of("office", "desk"), 3: uint(9)}, since={2: 2, 3: 3})
    row = catalog.KINDS[people.PASSWORD_SET]
    newer = catalog.Kind(row.number, row.name, shape.version, row.etype, row.lane, row.folded, shape, row.writers)
    steps: Mapping[tuple[int, int], Any] = {
        (row.number, 1): lambda body: {**body, 2: "desk"},
        (row.number, 2): lambda body: {**body, 3: len(body[2])},
    }
    monkeypatch.setitem(catalog.KINDS, people.PASSWORD_SET, newer)  # type: ignore[arg-type]  # a dict for all to read
    monkeypatch.setattr(catalog, "UPCASTS", steps)


def password(version: int, body: Body) -> Fact:
    return Fact(people.PASSWORD_SET, version, people.CREDENTIAL, "u-1", body, hlc=1 << 16)


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize(
    ("version", "body", "read"),
    [
        (1, {1: SALTED}, {1: SALTED, 2: "desk", 3: 4}),
        (2, {1: SALTED, 2: "office"}, {1: SALTED, 2: "office", 3: 6}),
        (3, {1: SALTED, 2: "office", 3: 1}, {1: SALTED, 2: "office", 3: 1}),
        (4, {1: SALTED, 2: "office", 3: 1, 9: "?"}, {1: SALTED, 2: "office", 3: 1, 9: "?"}),
    ],
)
def test_an_older_fact_is_held_to_its_kind_as_the_newest_version(version: int, body: Body, read: Body) -> None:
    fact = password(version, body)
    understood = catalog.understood(fact)
    assert understood.body == read
    assert (understood.version, fact.body) == (version, body)
    catalog.check_fact(understood, "hub")


@pytest.mark.usefixtures("later")
def test_a_newer_fact_without_what_its_version_must_have_is_refused() -> None:
    with pytest.raises(PeerFault) as told:
        catalog.check_fact(catalog.understood(password(3, {1: SALTED, 2: "office"})), "hub")
    assert str(told.value) == "fact.schema: field 3"


@pytest.mark.usefixtures("later")
def test_fold_reads_a_fact_of_any_version(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Body] = []
    row = catalog.ENTITY_TYPES[people.CREDENTIAL]
    told = catalog.EntityType(
        row.number, row.name, row.law, 2, row.initial, lambda state, fact, *_: seen.append(fact.body), row.dump,
        row.load, row.place, row.key,
    )  # fmt: skip
    monkeypatch.setitem(catalog.ENTITY_TYPES, people.CREDENTIAL, told)  # type: ignore[arg-type]  # as above
    for version, body in ((1, {1: SALTED}), (3, {1: SALTED, 2: "office", 3: 1})):
        fid = FactId("hub-dddddddd", 1, 1, version)
        catalog.fold_fact(people.CREDENTIAL, None, password(version, body), fid, Annotation(1, 1))
    assert seen == [{1: SALTED, 2: "desk", 3: 4}, {1: SALTED, 2: "office", 3: 1}]


def test_a_field_that_must_be_there_since_a_later_version_has_a_step() -> None:
    missing = [
        (kind.name, number)
        for kind in catalog.KINDS.values()
        for number, field in kind.check.fields.items()
        if field.must and field.since > 1 and (kind.number, field.since - 1) not in catalog.UPCASTS
    ]
    assert missing == []
