"""Laws that every fold keeps: any body of its shape is folded, arguments stay as they were, storing loses nothing."""

from __future__ import annotations

import copy
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync import catalog
from sync.domain.blobs import facts as blobs
from sync.domain.calendar import facts as calendar
from sync.domain.fleet import facts as fleet
from sync.domain.leases import facts as leases
from sync.domain.patients import facts as patients
from sync.domain.people import facts as people
from sync.domain.people.rights import ROLES
from sync.domain.tracking import facts, words
from sync.domain.tracking.state import Collection, Stay
from sync.kernel import canonical
from sync.kernel.fact import Annotation, Fact, NewFact
from sync.kernel.ids import FactId
from sync.kernel.outcome import PeerFault
from sync.merge.shape import INSTANT_MS_MAX, to_ref

NODES = ("courier-aaaaaaaa", "courier-bbbbbbbb", "records-cccccccc", "hub-dddddddd")
PLACES = [FactId(node, 7, 1, seq) for node in NODES for seq in (1, 2)]
"""Few on purpose: a fact that names another one must often find it."""

refs = st.sampled_from([to_ref(place) for place in PLACES])
wards = st.sampled_from(["W12", "W07", "ICU-1"])
instants = st.one_of(st.integers(0, 50), st.integers(0, INSTANT_MS_MAX))
dates = st.dates().map(lambda on: on.isoformat())
counts = st.integers(0, 100_000)
gatherings = st.sampled_from(["courier-aaaaaaaa.00000001", "records-cccccccc.000000ff"])
stay_keys = st.sampled_from(["00731846-1", "00731846-0", "ZYX9-12"])
users = st.sampled_from(["u-lin", "u-bao", "u-he"])
lines = (
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs", "Cf")), min_size=1, max_size=20)
    .map(lambda value: unicodedata.normalize("NFC", value))
    .filter(lambda value: len(value) <= 40)
)
event = {8: instants, 9: st.sampled_from(["m1", "m2", ""])}
listed = {
    1: lines, 2: st.sampled_from(patients.SEXES), 3: wards, 4: dates, 5: st.just("00731846"), 6: st.just("1"), 7: lines,
}  # fmt: skip
person = {
    1: lines,
    2: st.lists(st.sampled_from(ROLES), min_size=1, max_size=3),
    4: st.binary(min_size=16, max_size=16),
    6: st.sampled_from(people.LANGUAGES),
}
lease_units = st.tuples(st.sampled_from([bytes(16), bytes([1]) * 16]), st.integers(0, 5))
hashes = st.just("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aaaaaaaaaaaaaaaaaaaaaa")

MUST: dict[int, dict[int, st.SearchStrategy[Any]]] = {
    fleet.STREAM_OPENED: {},
    fleet.KEY_CHANGED: {n: st.binary(min_size=size, max_size=size) for n, size in enumerate((8, 32, 64, 64, 32), 1)},
    fleet.LOSS_REPORTED: {
        1: counts, 2: st.integers(0, 2), 3: counts, 4: counts, 5: st.sampled_from(fleet.LOSS_WHYS), 6: lines,
    },
    leases.LEASE_SPENT: {
        1: st.sampled_from(leases.KINDS_OF_LEASES), 2: st.integers(1, 3), 3: st.integers(0, 4), 4: counts,
    },
    leases.LEASE_RETURNED: {
        1: st.sampled_from(leases.KINDS_OF_LEASES), 2: st.integers(0, 4), 3: counts, 4: st.sampled_from(leases.ENDS),
    },
    blobs.DESCRIBED: {1: counts, 3: st.just("image/jpeg"), 4: st.integers(10, 14), 5: stay_keys},
    facts.OPENED: {1: st.just("00731846"), 2: st.just("1"), 3: wards, **event},
    facts.MOVED: {1: wards, **event},
    facts.DISCHARGED: {1: wards, 2: dates, **event},
    facts.DISCHARGE_CANCELLED: event,
    facts.ADMISSION_CANCELLED: event,
    facts.SEALED: {1: lines},
    facts.UNSEALED: {1: lines},
    facts.COLLECTED: {
        1: gatherings, 2: wards, 3: st.sampled_from(words.VERDICTS), 5: st.sampled_from(words.HOW_COLLECTED),
        6: st.just("00731846"), 7: instants, 9: instants,
    },
    facts.COLLECTION_UNDONE: {1: refs, 2: lines},
    facts.COLLECTION_CORRECTED: {1: refs, 2: stay_keys, 3: lines},
    facts.RECEIVED: {1: gatherings, 2: st.sampled_from(words.HOW_RECEIVED)},
    facts.RECEPTION_UNDONE: {1: refs},
    facts.MISSED: {1: gatherings},
    facts.REASON_GIVEN: {1: refs, 2: st.sampled_from(words.ALL_REASONS)},
    facts.ANOMALY_SETTLED: {1: st.sampled_from(words.ANOMALIES), 2: lines, 3: st.sampled_from(words.ALL_OUTCOMES)},
    facts.LABEL_PRINTED: {1: lines, 2: counts},
    patients.LISTED: listed,
    patients.WITHDRAWN: {},
    patients.CLOSED: {},
    patients.RELISTED: listed,
    facts.NUMBER_MERGED: {1: st.sampled_from(["00990002", "00990003"]), **event},
    facts.ROUND_OPENED: {1: wards, 2: users, 3: instants},
    facts.COUNTED: {1: counts},
    facts.HANDED_OVER: {
        1: users, 2: counts, 3: counts, 4: counts,
        5: st.lists(st.tuples(stay_keys, st.sampled_from(words.DIFFERENCES)).map(list), max_size=3),
    },
    facts.RECEIPT_QUEUED: {1: st.sampled_from(["j1", "j2"]), 2: counts, 3: counts},
    facts.RECEIPT_PRINTED: {1: st.sampled_from(["j1", "j2"]), 2: st.sampled_from(["confirmed", "uncertain", "failed"])},
    facts.ROUND_REBUILT: {1: st.sampled_from(NODES), 2: st.tuples(counts, counts).map(list)},
    facts.HANDIN_OPENED: {1: users, 2: st.lists(gatherings, max_size=2)},
    facts.HANDIN_CLOSED: {1: counts, 2: counts, 3: st.lists(stay_keys, max_size=2), 4: st.lists(stay_keys, max_size=2)},
    people.REGISTERED: person,
    people.CHANGED: person,
    people.DISABLED: {},
    people.PASSWORD_SET: {1: hashes},
    calendar.YEAR_SEEDED: {1: st.dictionaries(st.integers(101, 1231), st.integers(0, 1)), 2: lines, 3: st.booleans()},
    calendar.DAY_SET: {1: dates, 2: st.booleans()},
    calendar.CONFIGURED: {1: lines},
    fleet.ENROLLED: {
        1: st.sampled_from(fleet.NODE_ROLES), 2: lines, 3: st.binary(min_size=32, max_size=32),
        4: st.lists(wards, max_size=2),
    },
    fleet.REVOKED: {1: lines},
    fleet.SCOPES_SET: {1: st.integers(0, 9), 2: st.lists(st.sampled_from(["site", "ward:W12"]), max_size=2)},
    fleet.NOTED: {1: st.just("print.receipt"), 5: st.booleans()},
}  # fmt: skip
MAY: dict[int, dict[int, st.SearchStrategy[Any]]] = {
    blobs.DESCRIBED: {6: counts, 7: st.binary(min_size=8, max_size=8), 8: st.binary(min_size=32, max_size=32)},
    leases.LEASE_SPENT: {5: lines, 6: lines},
    facts.OPENED: {4: dates},
    facts.COLLECTED: {4: st.sampled_from(words.ALL_REASONS), 8: refs, 10: users},
    facts.REASON_GIVEN: {3: lines},
    facts.ANOMALY_SETTLED: {4: lines},
    facts.ROUND_REBUILT: {3: wards, 4: users},
    people.REGISTERED: {3: wards, 5: hashes},
    people.CHANGED: {3: wards, 5: hashes},
    calendar.DAY_SET: {3: lines},
    calendar.CONFIGURED: {2: lines, 3: st.integers(0, 365)},
    fleet.KEY_CHANGED: {6: st.binary(min_size=32, max_size=32)},
    fleet.NOTED: {2: st.integers(0, 65535), 3: lines, 4: lines},
}
KEYS = {
    1: "courier-aaaaaaaa",
    2: "record:W12",
    3: "ab" * 32,
    10: "00731846-1",
    11: "00731846-1",
    12: "00990001",
    13: "courier-aaaaaaaa.00000001",
}
KEYS |= {14: "records-cccccccc.000000ff", 20: "u-lin", 21: "u-lin", 30: "2026", 31: "W12", 40: "scan-aaaaaaaa"}
KEYS |= {50: "hub-dddddddd"}

junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=8), st.binary(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.integers(0, 99), inner, max_size=3)),
    max_leaves=6,
)


def bodies(kind: int) -> st.SearchStrategy[dict[int, Any]]:
    """A body of the kind, sometimes with fields that only a newer version knows."""
    known = st.fixed_dictionaries(MUST[kind], optional=MAY.get(kind, {}))
    newer = st.dictionaries(st.integers(40, 60), st.one_of(st.integers(0, 9), st.just("new")), max_size=1)
    return st.builds(lambda body, more: dict(sorted((body | more).items())), known, newer)


@st.composite
def stories(draw: st.DrawFn, etype: int, kinds: list[int]) -> list[tuple[Fact, FactId, Annotation]]:
    """Facts of one entity at places of their own, in order key."""
    places = draw(st.lists(st.sampled_from(PLACES), unique=True, max_size=8))
    told = []
    for rev, fid in enumerate(places, 1):
        kind = draw(st.sampled_from(kinds))
        hlc = draw(st.integers(0, 40)) << 16 | fid.seq
        actor = draw(st.one_of(st.none(), users))
        lease = draw(st.one_of(st.none(), lease_units)) if etype == leases.RESOURCE else None
        fact = Fact(kind, 1, etype, KEYS[etype], draw(bodies(kind)), hlc=hlc, actor=actor, lease=lease)
        catalog.ENTITY_TYPES[etype].key(fact.key)
        catalog.KINDS[kind].check(fact.body)
        told.append((fact, fid, Annotation(hlc, draw(st.sampled_from([None, rev])))))
    return sorted(told, key=lambda one: (one[2].order, one[1].node, one[0].hlc, one[1]))


def folded(etype: int, told: list[tuple[Fact, FactId, Annotation]]) -> Any:
    state = catalog.ENTITY_TYPES[etype].initial()
    for one in told:
        state = catalog.fold_fact(etype, state, *one)
    return state


def kinds_of(etype: int) -> list[int]:
    return [kind.number for kind in catalog.KINDS.values() if kind.etype == etype]


def test_every_kind_has_a_strategy_here() -> None:
    assert set(MUST) == set(catalog.KINDS) and set(KEYS) == set(catalog.ENTITY_TYPES)


@pytest.mark.row("F14.1")
@pytest.mark.parametrize("etype", sorted(catalog.ENTITY_TYPES))
def test_fold_takes_any_story_leaves_its_arguments_and_is_stored_whole(etype: int) -> None:
    row = catalog.ENTITY_TYPES[etype]

    @settings(deadline=None, max_examples=60)
    @given(stories(etype, kinds_of(etype)))
    def law(told: list[tuple[Fact, FactId, Annotation]]) -> None:
        state = row.initial()
        for one in told:
            before, fact_before = copy.deepcopy(state), copy.deepcopy(one[0].body)
            after = catalog.fold_fact(etype, state, *one)
            assert state == before and one[0].body == fact_before
            state = after
        raw = canonical.encode(row.dump(state))
        again = row.load(canonical.decode(raw))
        assert again == state
        assert canonical.encode(row.dump(again)) == raw
        assert all(label in {"site", "site:stays", "site:people", "room:records"} or label.startswith("ward:")
                   for label in row.place(state))  # fmt: skip

    law()


@pytest.mark.row("F14.1")
@pytest.mark.parametrize("etype", sorted(catalog.ENTITY_TYPES))
def test_folding_on_from_a_stored_state_is_folding_from_the_start(etype: int) -> None:
    row = catalog.ENTITY_TYPES[etype]

    @settings(deadline=None, max_examples=40)
    @given(stories(etype, kinds_of(etype)), st.integers(0, 10))
    def law(told: list[tuple[Fact, FactId, Annotation]], at: int) -> None:
        half = row.load(canonical.decode(canonical.encode(row.dump(folded(etype, told[:at])))))
        for one in told[at:]:
            half = catalog.fold_fact(etype, half, *one)
        assert half == folded(etype, told)

    law()


def acts(stay: Stay) -> list[Collection]:
    return sorted((act._replace(pending=False) for act in stay.collections), key=lambda act: act.identity)


ADMINISTRATIVE = [facts.OPENED, facts.MOVED, facts.DISCHARGED, facts.DISCHARGE_CANCELLED, facts.ADMISSION_CANCELLED]
ROOM = [facts.RECEIVED, facts.RECEPTION_UNDONE, facts.MISSED]
CUSTODY = ADMINISTRATIVE + ROOM + [facts.COLLECTED] * 8 + [facts.COLLECTION_UNDONE] * 3


@pytest.mark.row("F14.1")
@settings(deadline=None, max_examples=150)
@given(stories(facts.STAY, CUSTODY), st.randoms(use_true_random=False))
def test_who_has_the_paper_does_not_depend_on_what_was_folded_first(
    told: list[tuple[Fact, FactId, Annotation]], chance: Any
) -> None:
    """Stronger than the contract, which sorts first: an undo, a twin or a message may be folded at any place."""
    other = list(told)
    chance.shuffle(other)
    one, two = folded(facts.STAY, told), folded(facts.STAY, other)
    assert one.state == two.state and one.events == two.events and one.discharged_on == two.discharged_on
    assert {act.identity: act.counts for act in one.collections} == {
        act.identity: act.counts for act in two.collections
    }
    assert {act.identity: {act.fact, *act.also} for act in one.collections} == {
        act.identity: {act.fact, *act.also} for act in two.collections
    }
    assert {asked.id for asked in one.anomalies} == {asked.id for asked in two.anomalies}


def told_at(place: FactId, new: NewFact, actor: str) -> tuple[Fact, FactId, Annotation]:
    fact = Fact(new.kind, 1, new.etype, new.key, new.body, hlc=place.seq << 16, actor=actor)
    return fact, place, Annotation(fact.hlc, 1)


@pytest.mark.row("F10.13")
@settings(deadline=None, max_examples=200)
@given(
    st.permutations(PLACES),
    st.booleans(),
    st.integers(0, 3),
    st.lists(st.integers(0, 3), max_size=2),
    st.randoms(use_true_random=False),
)
def test_an_act_its_copies_and_their_undoing_are_one_in_every_order(
    places: list[FactId], original_comes: bool, copies: int, undone: list[int], chance: Any
) -> None:
    original, *others = places
    plain: dict[str, Any] = {
        "round_key": "courier-aaaaaaaa.00000001", "ward": "W12", "verdict": words.GOOD, "read_no": "00731846",
        "at_ms": 5, "list_as_of_ms": 1,
    }  # fmt: skip
    key = "00731846-1"
    told = [told_at(original, facts.collected(key, how=words.GUN, **plain), "u-lin")] if original_comes else []
    for at in range(copies):
        twin = facts.collected(key, how=words.REBUILT, rebuilt_from=original, courier="u-lin", **plain)
        told.append(told_at(others[at], twin, "u-he"))
    for at, which in enumerate(undone):
        told.append(told_at(others[3 + at], facts.collection_undone(key, places[which], "back"), "u-he"))
    other = list(told)
    chance.shuffle(other)
    one, two = folded(facts.STAY, told), folded(facts.STAY, other)
    assert acts(one) == acts(two) and one.state == two.state
    claims = set(places[0 if original_comes else 1 : copies + 1])
    stands = bool(claims) and 0 not in undone and not claims <= {places[which] for which in undone}
    assert (one.state == "collected") is stands
    assert len(one.collections) == bool(claims)
    assert all(act.who == "u-lin" and act.counts is stands for act in one.collections)
    assert all((act.how == words.GUN) is original_comes for act in one.collections)


@pytest.mark.row("A05.8")
@given(st.permutations(["o1", "m2", "d3", "c4", "d5"]), st.integers(0, 4))
def test_messages_in_any_order_and_twice_give_one_standing(order: list[str], again: int) -> None:
    def message(word: str) -> Fact:
        at = int(word[1])
        made = {
            "o": lambda: facts.opened("00731846-1", ward="W01", admitted_on=None, event_at_ms=at, control="c"),
            "m": lambda: facts.moved("00731846-1", ward="W02", event_at_ms=at, control="c"),
            "d": lambda: facts.discharged(
                "00731846-1", ward="W03", discharged_on=f"2026-11-0{at}", event_at_ms=at, control="c"
            ),
            "c": lambda: facts.discharge_cancelled("00731846-1", event_at_ms=at, control="c"),
        }[word[0]]()
        return Fact(made.kind, 1, made.etype, made.key, made.body, hlc=1)

    state = catalog.ENTITY_TYPES[facts.STAY].initial()
    for at, word in enumerate([*order, order[again]], 1):
        state = catalog.fold_fact(
            facts.STAY, state, message(word), FactId("hub-dddddddd", 7, 2, at), Annotation(at, at)
        )
    assert (state.standing, state.discharged_on, state.ward) == ("discharged", "2026-11-05", "W03")


@pytest.mark.parametrize("kind", sorted(catalog.KINDS))
def test_a_body_of_another_shape_is_one_refusal_and_what_passes_is_folded(kind: int) -> None:
    row = catalog.KINDS[kind]
    role = sorted(row.writers)[0]

    @settings(deadline=None, max_examples=40)
    @given(bodies(kind), st.dictionaries(st.integers(1, 12), junk, max_size=3), st.sets(st.integers(1, 12), max_size=2))
    def law(body: dict[int, Any], other: dict[int, Any], dropped: set[int]) -> None:
        made = {number: value for number, value in (body | other).items() if number not in dropped}
        fact = Fact(kind, 1, row.etype, KEYS[row.etype], made, hlc=1)
        try:
            catalog.check_fact(fact, role)
        except PeerFault as fault:
            assert fault.code == "fact.schema"
            return
        catalog.fold_fact(row.etype, catalog.ENTITY_TYPES[row.etype].initial(), fact, PLACES[0], Annotation(1, 1))

    law()


@pytest.mark.parametrize("kind", [kind for kind in sorted(catalog.KINDS) if MUST[kind]])
@settings(deadline=None, max_examples=5)
@given(data=st.data())
def test_every_field_that_must_be_there_must(kind: int, data: st.DataObject) -> None:
    body = data.draw(bodies(kind))
    for number in MUST[kind]:
        with pytest.raises(PeerFault) as caught:
            catalog.KINDS[kind].check({key: value for key, value in body.items() if key != number})
        assert caught.value.code == "fact.schema"


def test_roles_keys_types_and_kinds_that_are_not_known() -> None:
    new = facts.received("00731846-1", "records-cccccccc.000000ff", words.GUN)
    fact = Fact(new.kind, 1, new.etype, new.key, new.body, hlc=1)
    catalog.check_fact(fact, "records")
    for wrong, role, code in (
        (fact, "courier", "fact.role"),
        (Fact(new.kind, 1, facts.ROUND, new.key, new.body, hlc=1), "records", "fact.schema"),
        (Fact(new.kind, 1, new.etype, "'; drop--", new.body, hlc=1), "records", "fact.schema"),
        (Fact(new.kind, 1, new.etype, b"00731846-1", new.body, hlc=1), "records", "fact.schema"),
    ):
        with pytest.raises(PeerFault) as caught:
            catalog.check_fact(wrong, role)
        assert caught.value.code == code
    unknown = Fact(60_000, 9, 77, "x", {1: "y"}, hlc=1)
    catalog.check_fact(unknown, "courier")
    stay = catalog.ENTITY_TYPES[facts.STAY].initial()
    assert catalog.fold_fact(facts.STAY, stay, unknown, PLACES[0], Annotation(1, 1)) is stay


def test_fields_of_a_newer_state_are_carried_through_a_fold() -> None:
    row = catalog.ENTITY_TYPES[facts.STAY]
    stay = row.load({1: "00731846", 2: "1", 99: ["later"]})
    new = facts.sealed("00731846-1", "dispute")
    after = row.fold(stay, Fact(new.kind, 1, new.etype, new.key, new.body, hlc=1), PLACES[0], Annotation(1, 1))
    assert row.dump(after)[99] == ["later"]
