"""A box whose entities came whole, in a snapshot: each row is its own checkpoint until something lies on top of it.

Whatever happens then, it shows what a box shows that got the same entities one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioning.simulator.synthetic import BAG, CART, LATER, LOOSE, OWN, bagged, moved, speak
from sync.adapters.sqlite_log import bootstrap, copies, down, hub_snapshots, unread
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.connection import SqlcipherFile
from sync.adapters.sqlite_log.database import Database
from sync.adapters.sqlite_log.down import Tail
from sync.adapters.sqlite_log.layout import LAYOUT
from sync.domain.tracking import facts
from sync.kernel.canonical import decode, encode
from sync.kernel.fact import NewFact
from sync.protocol.segment import SEGMENT_BYTES
from tests.adapters.store.sites import SCOPES, Site, discharge, scan

KEYS = tuple(f"0073{n:04d}-1" for n in range(6))
ONE = KEYS[0]


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """It is the box that is looked at, so one of a hub's two databases is enough."""
    return SqlcipherFile(tmp_path / "hub.db", bytes(32))


@pytest.fixture(autouse=True)
def own_schema_again() -> Iterator[None]:
    yield
    speak(OWN)


def begin(site: Site, box: ApplianceStore) -> None:
    """All scopes of a box from snapshots made now, which the hub then counts as published."""
    for label in SCOPES:
        made = hub_snapshots.make(site.hub, label, lambda *part: encode(list(part[4])), 1)
        if made is None:
            continue
        assert hub_snapshots.publish(site.hub, made, b"signed", 1)
        segments = [decode(raw, max_bytes=SEGMENT_BYTES) for raw in made.segments]
        tail = Tail(label, 1, made.manifest.sseq, made.manifest.e, ())
        assert bootstrap.apply_snapshot(box, made.manifest, segments, tail, 1)


def beside(box: ApplianceStore) -> set[str]:
    """Stays whose checkpoint is a row of its own."""
    with box.read() as conn:
        rows = conn.execute("SELECT key FROM copy WHERE etype = ?", (facts.STAY,)).fetchall()
    return {row[0] for row in rows}


def shown(box: ApplianceStore) -> dict[tuple[int, str], tuple[object, ...]]:
    with box.read() as conn:
        rows = conn.execute("SELECT etype, key, rev, d, x, last_key, fold_version, state FROM entity").fetchall()
    return {(row[0], row[1]): tuple(row[2:]) for row in rows}


def folds_the_same_again(box: ApplianceStore) -> None:
    with box.read() as conn:
        for (etype, key), (*_, last_key, _, state) in shown(box).items():
            again = copies.refold(conn, etype, key)
            assert again is not None and again.last_key == last_key
            assert encode(unread.ENTITY_TYPES[etype].dump(again.state)) == state


@pytest.fixture
def boxes(site: Site) -> tuple[ApplianceStore, ApplianceStore]:
    """One that began whole, one that was repaired entity by entity; both hold the same."""
    for key in KEYS:
        discharge(site, key)
    site.digest()
    whole, apiece = site.box("records-aaaaaaaa", 1), site.box("records-bbbbbbbb", 2)
    begin(site, whole)
    site.round(apiece)
    assert beside(whole) == set() and beside(apiece) == set(KEYS)
    site.mirror_is_true(whole)
    assert shown(whole) == shown(apiece)
    folds_the_same_again(whole)
    return whole, apiece


def own(site: Site, whole: ApplianceStore) -> None:
    scan(whole, ONE)
    assert beside(whole) == {ONE}


def own_and_back(site: Site, whole: ApplianceStore) -> None:
    own(site, whole)
    site.up(whole)


def anothers(site: Site, whole: ApplianceStore) -> None:
    courier = site.box("courier-cccccccc", 3)
    for key in KEYS[:3]:
        scan(courier, key)
    site.up(courier)


def late(site: Site, whole: ApplianceStore) -> None:
    """It sorts below what the checkpoint holds, so it comes as a fresh state."""
    courier = site.box("courier-cccccccc", 3)
    courier.clock.wall_ms = lambda: site.hub.clock.wall_ms() - 60_000  # type: ignore[method-assign]
    scan(courier, ONE)
    site.up(courier)


def gone_from_the_ward(site: Site, whole: ApplianceStore) -> None:
    with site.hub.write() as unit:
        unit.append(NewFact(61, 11, ONE, {1: "error"}))


def every_scope_left_and_held_again(site: Site, whole: ApplianceStore) -> None:
    scan(whole, ONE)
    down.set_scopes(whole, 2, ())
    with whole.read() as conn:
        assert [row[0] for row in conn.execute("SELECT key FROM entity WHERE etype = ?", (facts.STAY,))] == [ONE]
        assert conn.execute("SELECT count(*) FROM member").fetchone()[0] == 0
    down.set_scopes(whole, 3, SCOPES)
    site.up(whole)


@pytest.mark.row("I25.3")
@pytest.mark.parametrize("event", (own_and_back, anothers, late, gone_from_the_ward, every_scope_left_and_held_again))
def test_it_goes_on_as_if_everything_had_come_one_by_one(
    site: Site, boxes: tuple[ApplianceStore, ApplianceStore], event: Callable[[Site, ApplianceStore], None]
) -> None:
    whole, apiece = boxes
    event(site, whole)
    folds_the_same_again(whole)
    site.digest()
    for box in boxes:
        site.round(box)
        site.mirror_is_true(box)
        folds_the_same_again(box)
    assert shown(whole) == shown(apiece)


def test_an_own_fact_lies_on_top_until_it_comes_back(site: Site, boxes: tuple[ApplianceStore, ApplianceStore]) -> None:
    whole, _ = boxes
    before = shown(whole)
    own(site, whole)
    with whole.read() as conn:
        point = copies.checkpoint(conn, facts.STAY, ONE)
    assert point is not None
    rev, _, _, last_key, fold_version, state = before[facts.STAY, ONE]
    assert tuple(point) == (rev, last_key, encode([]), fold_version, state)
    assert whole.state(facts.STAY, ONE).collection is not None
    folds_the_same_again(whole)


def test_own_facts_in_a_snapshot_are_not_counted_twice(site: Site) -> None:
    """A disk that lost the copy, not the log: what is still pending is in the checkpoint already."""
    for key in KEYS:
        discharge(site, key)
    box = site.box("records-aaaaaaaa", 1)
    scan(box, ONE)
    with box.read() as conn:
        pending = conn.execute("SELECT etype, key, stream, seq FROM pending").fetchall()
    assert len(pending) == 1
    site.up(box)
    site.digest()
    with box.write() as unit:
        for table in ("pending", "copy", "copy_fact", "entity"):
            unit.conn.execute(f"DELETE FROM {table}")
    begin(site, box)
    assert beside(box) == {ONE}
    with box.write() as unit:
        unit.conn.executemany("INSERT INTO pending (etype, key, stream, seq) VALUES (?, ?, ?, ?)", pending)
    folds_the_same_again(box)
    assert len(box.state(facts.STAY, ONE).collections) == 1


def test_a_later_fold_asks_for_what_the_hub_folded_before(site: Site) -> None:
    """After the update they are folded again, and known as copies of an older fold, which only the hub can better."""
    speak(LATER)
    discharge(site, ONE)
    with site.hub.write() as unit:
        unit.append(bagged(ONE, "bag-1"))
    site.digest()
    speak(OWN)
    discharge(site, KEYS[1])
    site.restart_hub()
    site.digest()
    box = site.box("records-aaaaaaaa", 1)
    begin(site, box)
    stays = [(facts.STAY, key) for key in sorted(KEYS[:2])]
    box.close()
    speak(LATER)
    box = site.box(box.node, 3)
    with box.read() as conn:
        assert [name for name in unread.outdated(conn, "site:stays") if name[0] == facts.STAY] == stays
        assert all(box.state(*name) is not None for name in stays)
    site.restart_hub()
    site.digest()
    for label in SCOPES:
        site.repair(box, label)
    site.mirror_is_true(box)
    with box.read() as conn:
        assert unread.outdated(conn, "site:stays") == []
        state = conn.execute("SELECT state FROM entity WHERE etype = ? AND key = ?", stays[0]).fetchone()[0]
    assert decode(state).get(BAG) in (["bag-1"], ["bag-1", LOOSE])


def test_a_kind_of_entity_that_is_not_known_keeps_its_checkpoint_beside(site: Site) -> None:
    speak(LATER)
    with site.hub.write() as unit:
        unit.append(moved("cart-7", "lift"))
    site.digest()
    speak(OWN)
    box = site.box("records-aaaaaaaa", 1)
    begin(site, box)
    with box.read() as conn:
        kept = conn.execute("SELECT key FROM copy WHERE etype = ?", (CART,)).fetchall()
    assert [row[0] for row in kept] == ["cart-7"] and box.state(facts.STAY, "cart-7") is None
    box.close()
    speak(LATER)
    box = site.box(box.node, 3)
    assert box.state(CART, "cart-7") == ("lift",)
    site.mirror_is_true(box)


def test_members_lie_in_one_tree_after_an_older_layout(site: Site) -> None:
    box = site.box("records-aaaaaaaa", 1)
    with box.write() as unit:
        unit.conn.execute("CREATE INDEX member_by_entity ON member (etype, key)")
        unit.conn.execute("PRAGMA user_version = 2")
    box.close()
    box = site.open(box.node, 2)
    site.boxes[box.node] = box
    with box.read() as conn:
        assert conn.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'member_by_entity'").fetchone()[0] == 0
        assert conn.execute("PRAGMA user_version").fetchone()[0] == LAYOUT
