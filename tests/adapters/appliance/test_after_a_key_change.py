"""What a box signed with its former keys, here and on other boxes, after it went over to another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.features.people.kept import KeptPeople
from appliance.features.people.store import PeopleProjector
from appliance.store.site import SiteProjector, public_of
from sync import catalog
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.node_store import Change
from sync.domain.fleet import facts as fleet
from sync.kernel.fact import Annotation, Fact
from sync.kernel.ids import FactId
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import suite1
from sync.protocol.key_change import make_change

NODE = "courier-aaaaaaaa"
FIRST, SECOND, THIRD, SEALING = (bytes(range(n, n + 32)) for n in range(1, 5))
PUBLICS = [suite1.signing_public(key) for key in (FIRST, SECOND, THIRD)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ApplianceStore]:
    made = ApplianceStore(
        tmp_path / "node.db", bytes(32), node=NODE, role="courier", clock=SystemClock(), entropy=SeededEntropy(1),
        suite=suite1, projectors=[PeopleProjector(), SiteProjector(suite1)],
    )  # fmt: skip
    made.start_incarnation("test")
    yield made
    made.close()


def folded(*told: tuple[Any, str]) -> Any:
    """The state after these facts, each written by the named node."""
    state = catalog.ENTITY_TYPES[fleet.NODE].initial()
    for n, (new, writer) in enumerate(told, 1):
        fact = Fact(new.kind, 1, new.etype, new.key, new.body, n << 16)
        state = catalog.fold_fact(fleet.NODE, state, fact, FactId(writer, 7, 0, n), Annotation(n << 16, n, 0, 0))
    return state


def changed(old: bytes, new: bytes) -> Any:
    return fleet.key_changed(NODE, make_change(suite1, NODE, old, new, bytes(32)).body())


def test_paper_signed_by_any_key_of_a_machine_is_good_on_every_box(store: ApplianceStore) -> None:
    enrolled = fleet.enrolled(NODE, "courier", "x", PUBLICS[0], [])
    state = folded(
        (enrolled, "hub-aaaaaaaa"), (changed(FIRST, SECOND), NODE), (changed(SECOND, THIRD), NODE),
        (changed(FIRST, SECOND), NODE), (changed(FIRST, SEALING), "courier-bbbbbbbb"),
    )  # fmt: skip
    assert state.later_keys == tuple(PUBLICS[1:]), "each once, in order, and only what the machine itself says"
    node = catalog.ENTITY_TYPES[fleet.NODE]
    assert node.load(node.dump(state)) == state
    with store.write() as unit:
        store.project(unit.conn, state, Change(fleet.NODE, NODE, "feed", None, None))
    with store.read() as conn:
        assert [public_of(conn, suite1.key_id(public)) for public in PUBLICS] == PUBLICS
        assert public_of(conn, suite1.key_id(suite1.signing_public(SEALING))) is None
    with store.write() as unit:
        store.project(unit.conn, None, Change(fleet.NODE, NODE, "feed", None, None))
    with store.read() as conn:
        assert [public_of(conn, suite1.key_id(public)) for public in PUBLICS] == [None] * 3


def test_the_kept_list_of_people_is_read_under_the_key_that_wrote_it(store: ApplianceStore, tmp_path: Path) -> None:
    path = tmp_path / "people.kept"
    KeptPeople(store, path, FIRST, SEALING).start(None)
    assert KeptPeople(store, path, SECOND, SEALING, PUBLICS[:1])._read() == []
    with pytest.raises(PeerFault, match=r"people\.kept-signature"):
        KeptPeople(store, path, SECOND, SEALING)._read()
    KeptPeople(store, path, SECOND, SEALING, PUBLICS[:1]).start(None)
    assert KeptPeople(store, path, SECOND, SEALING)._read() == []
