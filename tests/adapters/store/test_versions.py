"""Boxes and a hub of different ages on real stores: what one does not know is kept, counted, fed, and read later.

The later schema is synthetic (`provisioning.simulator.synthetic`).
"""

from collections.abc import Iterator

import pytest

from provisioning.simulator.synthetic import BAG, CART, LATER, LOOSE, OWN, bagged, collected_into, moved, speak
from sync.adapters.sqlite_log import down, unread
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.node_store import NodeStore
from sync.domain.tracking import facts
from sync.kernel.canonical import decode
from sync.kernel.fact import Fact, NewFact
from sync.kernel.ids import LIVE
from sync.kernel.suite import suite1
from sync.protocol import feed
from tests.adapters.store.sites import SCOPES, Site, discharge, scan

STAY, CART_KEY = "00730001-1", "cart-7"


@pytest.fixture(autouse=True)
def own_schema_again() -> Iterator[None]:
    yield
    speak(OWN)


def works_as_later(store: ApplianceStore) -> None:
    """Everything that only the later schema knows: a field, a kind, a type."""
    with store.write(actor="u-later") as unit:
        new = facts.collected(
            STAY, round_key=f"{store.node}.00000001", ward="W01", verdict="good", how="gun", read_no="00730001",
            at_ms=5, list_as_of_ms=0,
        )  # fmt: skip
        unit.append(collected_into(new, "bag-1"))
        unit.append(bagged(STAY, "bag-2"))
        unit.append(moved(CART_KEY, "lift"))
        unit.append(moved(CART_KEY, "cellar"))


def in_order(store: NodeStore, etype: int, key: str) -> tuple[object, ...]:
    with store.read() as conn:
        row = conn.execute("SELECT rev, d, x FROM entity WHERE etype = ? AND key = ?", (etype, key)).fetchone()
    return tuple(map(bytes_or_int, row))


def bytes_or_int(value: object) -> object:
    return value if isinstance(value, int) else bytes(value)  # type: ignore[call-overload]  # rows are untyped


def bags(store: NodeStore) -> object:
    with store.read() as conn:
        row = conn.execute("SELECT state FROM entity WHERE etype = ? AND key = ?", (facts.STAY, STAY)).fetchone()
    return decode(row[0]).get(BAG)


def copied(box: ApplianceStore) -> set[bytes]:
    with box.read() as conn:
        return {bytes(row[0]) for row in conn.execute("SELECT fact FROM copy_fact")}


def logged(store: NodeStore, node: str) -> set[bytes]:
    with store.read() as conn:
        rows = conn.execute(
            "SELECT l.fact FROM log l JOIN stream s ON s.id = l.stream WHERE s.node = ? AND s.lane = ? AND l.seq > 1",
            (node, LIVE),
        )
        return {bytes(row[0]) for row in rows}


@pytest.mark.row("H35.20")
def test_a_box_keeps_what_a_newer_one_wrote_and_reads_it_once_it_is_newer_itself(site: Site) -> None:
    speak(LATER)
    discharge(site, STAY)
    newer = site.box("courier-bbbbbbbb", 2)
    works_as_later(newer)
    site.up(newer)
    site.digest()
    site.round(newer)
    site.mirror_is_true(newer)

    speak(OWN)
    older = site.box("courier-aaaaaaaa", 1)
    site.round(older)
    scan(older, STAY)
    site.up(older)
    speak(LATER)
    works_as_later(newer)
    site.up(newer)
    site.digest()
    speak(OWN)
    before = logged(site.hub, newer.node)
    site.round(older)
    assert {fact for fact in before if fact in copied(older)}, "facts came as facts"
    assert copied(older) <= before | logged(site.hub, older.node)
    for etype, key in ((facts.STAY, STAY), (CART, CART_KEY)):
        assert in_order(older, etype, key) == in_order(site.hub, etype, key)
    assert older.state(facts.STAY, STAY).collection is not None

    older.close()
    speak(LATER)
    older = site.box("courier-aaaaaaaa", 3)
    site.mirror_is_true(older)
    assert bags(older) == bags(site.hub) == ["bag-1", "bag-2", LOOSE]
    assert older.state(CART, CART_KEY) == ("lift", "cellar") * 2


def bagged_behind_a_checkpoint(site: Site) -> None:
    """A hub that cannot read them has facts of a later schema in an entity's checkpoint."""
    discharge(site, STAY)
    site.digest()
    speak(LATER)
    newer = site.box("courier-bbbbbbbb", 2)
    site.round(newer)
    works_as_later(newer)
    site.up(newer)
    speak(OWN)
    site.digest()


@pytest.mark.row("H35.20")
@pytest.mark.parametrize("schema", [OWN, LATER])
def test_a_box_whose_cursor_jumps_over_what_an_updated_hub_tells_anew_misses_nothing(site: Site, schema: int) -> None:
    bagged_behind_a_checkpoint(site)
    speak(schema)
    box = site.box("courier-aaaaaaaa", 1)
    site.round(box)
    speak(LATER)
    site.restart_hub()
    site.digest()
    with site.hub.read() as conn:
        roots = {label: feed.root_of(suite1.hasher, site.feeds.values(conn, label, -1)) for label in SCOPES}
    speak(schema)
    for label in SCOPES:
        if label != "site:stays":  # the hub reads carts only now, so this one differs
            assert feed.root_of(suite1.hasher, down.bucket_values(box, label)) == roots[label]
        site.repair(box, label)
    if schema == OWN:
        box.close()
        speak(LATER)
        box = site.box(box.node, 3)
    site.round(box)
    assert bags(box) == bags(site.hub) == ["bag-1", "bag-2"]
    site.mirror_is_true(box)
    with box.read() as conn:
        assert not any(unread.outdated(conn, label) for label in SCOPES)


@pytest.mark.row("H35.20")
def test_a_hub_keeps_what_a_newer_box_wrote_and_reads_it_once_it_is_newer_itself(site: Site) -> None:
    discharge(site, STAY)
    site.digest()
    older = site.box("courier-aaaaaaaa", 1)
    site.round(older)
    speak(LATER)
    newer = site.box("courier-bbbbbbbb", 2)
    site.round(newer)
    works_as_later(newer)
    speak(OWN)
    scan(older, STAY)
    site.up(older)
    site.up(newer)
    site.digest()
    assert logged(site.hub, newer.node) == logged(newer, newer.node)
    assert in_order(site.hub, CART, CART_KEY)[0] == 2
    with site.hub.read() as conn:
        assert site.feeds.labels_of(conn, CART, CART_KEY) == frozenset()

    speak(LATER)
    site.round(newer)
    assert in_order(newer, facts.STAY, STAY) == in_order(site.hub, facts.STAY, STAY)
    assert bags(newer) == ["bag-1", "bag-2", LOOSE], "what a box knows it folds, whatever the hub knows"

    site.restart_hub()
    site.digest()
    assert bags(site.hub) == ["bag-1", "bag-2", LOOSE]
    assert site.hub.state(CART, CART_KEY) == ("lift", "cellar")
    site.round(newer)
    site.mirror_is_true(newer)
    speak(OWN)
    site.round(older)
    for etype, key in ((facts.STAY, STAY), (CART, CART_KEY)):
        assert in_order(older, etype, key) == in_order(site.hub, etype, key)
    speak(LATER)
    site.digest()
    with site.hub.read() as conn:
        heads = site.feeds.heads(conn, ["site:stays"])
    site.restart_hub()
    site.digest()
    with site.hub.read() as conn:
        assert site.feeds.heads(conn, ["site:stays"]) == heads, "a state that came out the same is not told again"


def test_an_update_taken_back_and_made_again_misses_nothing(site: Site) -> None:
    speak(LATER)
    discharge(site, STAY)
    newer = site.box("courier-bbbbbbbb", 2)
    site.digest()
    site.round(newer)
    for seed, schema in ((3, LATER), (4, OWN), (5, LATER)):
        speak(LATER)
        if seed < 5:
            works_as_later(newer)
            site.up(newer)
            site.digest()
        speak(schema)
        box = site.box("courier-aaaaaaaa", seed)
        site.round(box)
        if schema != LATER:
            box.close()
            continue
        site.mirror_is_true(box)
        box.close()
    assert bags(site.hub) == ["bag-1", "bag-2"]


def test_a_key_that_no_type_may_have_holds_nobody_up(site: Site) -> None:
    speak(LATER)
    box = site.box("courier-bbbbbbbb", 2)
    with box.write() as unit:
        for key in ("a\0b", b"\0\1", "a\nb"):
            kind = 901
            head = box._head_of(unit, LIVE)
            box._write_fact(unit, head, NewFact(kind, 999, key, {1: "?"}), ())
        unit.append(moved(CART_KEY, "lift"))
    site.up(box)
    speak(OWN)
    site.digest()
    assert in_order(site.hub, CART, CART_KEY)[0] == 1
    with site.hub.read() as conn:
        assert conn.execute("SELECT count(*) FROM entity WHERE etype = 999").fetchone()[0] == 0


def test_reading_again_goes_on_where_it_was_cut(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [f"0073{n:04d}-1" for n in range(5)]
    for key in keys:
        discharge(site, key)
    site.digest()
    box = site.box("courier-aaaaaaaa", 1)
    site.round(box)
    for key in keys:
        scan(box, key)
    box.close()
    speak(LATER)
    monkeypatch.setattr(unread, "TOGETHER", 2)
    struck = []

    def power(place: str) -> None:
        if place == "entities.reread:after":
            struck.append(place)
            raise KeyboardInterrupt

    cut = site.open(box.node, 4, power)
    with pytest.raises(KeyboardInterrupt):
        cut.start_incarnation("test")
    cut.close()
    again = site.box(box.node, 5)
    with again.read() as conn:
        assert unread.unread(conn, 9) == []
    assert [decode(bytes(state)).get(BAG) for state in states_of(again)] == [[LOOSE]] * 5


def states_of(store: NodeStore) -> list[bytes]:
    with store.read() as conn:
        rows = conn.execute("SELECT state FROM entity WHERE etype = ? ORDER BY key", (facts.STAY,)).fetchall()
    return [row[0] for row in rows]


def test_no_fact_of_the_product_names_the_synthetic_schema() -> None:
    fact = Fact(900, 1, CART, "cart-7", {1: "lift"}, hlc=1)
    from sync import catalog

    assert catalog.KINDS.get(fact.kind) is None and catalog.ENTITY_TYPES.get(fact.etype) is None
    assert BAG not in catalog.KINDS[facts.COLLECTED].check.fields
