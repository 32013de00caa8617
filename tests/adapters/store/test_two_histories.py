"""One number with two contents: what each machine that holds such a stream issues again, and that it counts once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.adapters.sqlite_log import hub_inbound, hub_orders, outbox, thawing
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.connection import SqlcipherFile
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.streams import own_heads
from sync.domain.tracking import facts
from sync.kernel.fact import NewFact
from sync.kernel.ids import LIVE, FactId
from sync.protocol.notices import REISSUE, Order
from tests.adapters.store.sites import Site, arrival, open_hub

BOX = "courier-a3k7q2xw"
STAY, KEY = 10, "0100-1"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    database = SqlcipherFile(tmp_path / "hub.db", bytes(32))
    hub = open_hub(tmp_path, database, 9)
    made = Site(hub, Feeds(hub), tmp_path, {}, database)
    yield made
    for store in (made.hub, *made.boxes.values()):
        store.close()


def copy(site: Site, name: str, of: ApplianceStore, *, start: int | None = None) -> ApplianceStore:
    """Another machine on a copy of this disk. `start`: it starts anew; None: it goes on under the same numbers."""
    folder = site.folder / name
    folder.mkdir()
    of._conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(of.path, folder / of.path.name)
    store = ApplianceStore(
        folder / of.path.name, bytes(32), node=BOX, role="courier", clock=SystemClock(),
        entropy=SeededEntropy(start or 100 + len(site.boxes)),
    )  # fmt: skip
    site.boxes[name] = store
    if start is not None:
        store.start_incarnation("test")
    else:
        store.incarnation = of.incarnation
        store._heads = own_heads(store._conn, store.suite.hasher, BOX, of.incarnation)
    return store


def collect(box: ApplianceStore, minute: int) -> FactId:
    at_ms = 1793491200000 + minute * 60_000
    body = {1: f"{box.node}.0000000a", 2: "W01", 3: "good", 5: "gun", 6: "0100", 7: at_ms, 9: at_ms}
    with box.write() as unit:
        return unit.append(NewFact(50, STAY, KEY, body))


def offer(site: Site, box: ApplianceStore, first: int) -> str:
    """The running live stream from `first` on goes up; what the hub made of it."""
    stream = next(s for s in outbox.own_streams(box) if (s.incarnation, s.lane) == (box.incarnation, LIVE))
    cut = outbox.cut(box, stream, first, facts_max=500, bytes_max=60_000)
    assert cut is not None
    return hub_inbound.accept(site.hub, arrival(cut))[0].verdict


def thaw(site: Site) -> Order:
    """The operator's word on the one stopped stream, as a welcome tells it."""
    with site.hub.write() as unit:
        [stop] = hub_orders.stopped(unit.conn, BOX)
        hub_orders.thaw(unit, BOX, stop, REISSUE, "u-admin", 1)
    with site.hub.read() as conn:
        [order] = hub_orders.due(conn, BOX, [(stop.incarnation, stop.lane)])
    return order


def settled(site: Site, *boxes: ApplianceStore) -> list[FactId]:
    """All of the running starts goes up and comes down; the ids of the collections that the hub counts."""
    for box in boxes:
        for stream in outbox.own_streams(box):
            if stream.incarnation == box.incarnation:
                cut = outbox.cut(box, stream, 1, facts_max=500, bytes_max=60_000)
                assert cut is not None
                assert hub_inbound.accept(site.hub, arrival(cut))[0].verdict in ("appended", "duplicate")
        site.digest()
    for box in boxes:
        site.round(box)
        site.mirror_is_true(box)
        with box.read() as conn:
            assert conn.execute("SELECT count(*) FROM pending WHERE etype = ?", (STAY,)).fetchone()[0] == 0
    return [one.fact for one in site.hub.state(STAY, KEY).collections]


def told_as_states(site: Site) -> None:
    """What comes down from now on comes as checkpoints, as after a repair or a snapshot."""
    with site.hub.write() as unit:
        unit.conn.execute("UPDATE feed_member SET floor = ?", (b"\xff" * 49,))


@pytest.mark.parametrize("as_states", [False, True], ids=["as facts", "as states"])
@pytest.mark.row("H35.13")
def test_a_stopped_disk_that_was_copied_is_issued_again_once(site: Site, as_states: bool) -> None:
    box = site.box(BOX, 1)
    same = collect(box, 0)
    copied = copy(site, "twin", box)
    mine, later, theirs = collect(box, 1), collect(box, 2), collect(copied, 5)
    assert mine == theirs
    assert offer(site, copied, 1) == "appended"
    assert offer(site, box, 1) == "equivocation"
    second = copy(site, "second", box, start=7)
    order = thaw(site)
    if as_states:
        site.digest()
        told_as_states(site)
    assert [thawing.obey(each, order) for each in (box, second)] == [2, 2]
    counted = settled(site, second, box)
    assert counted[0] == same and theirs in counted
    assert len(counted) == len({*counted}) == 4, "both of the first two minutes, the third, and the other machine's"
    assert not {mine, later} & ({*counted} - {theirs}), "a number that another fact bears names that fact alone"


@pytest.mark.row("H35.13")
def test_what_the_hub_holds_of_this_very_history_is_not_issued_again(site: Site) -> None:
    """The batch that showed the other history began behind the place where they part, so the hub could not tell it."""
    box = site.box(BOX, 1)
    collect(box, 0), collect(box, 1)
    assert offer(site, box, 1) == "appended"
    copied = copy(site, "twin", box)
    collect(copied, 7)
    assert offer(site, copied, 1) == "appended"
    parted = collect(box, 3)
    last = collect(box, 4)
    assert offer(site, box, last.seq) == "equivocation"
    order = thaw(site)
    assert order.upto == 0
    assert thawing.obey(box, order) == last.seq - parted.seq + 1
    assert len(settled(site, box)) == 5


def test_a_third_history_gives_up_nothing_that_the_first_two_share(site: Site) -> None:
    box = site.box(BOX, 1)
    collect(box, 0)
    third = copy(site, "third", box)
    collect(third, 8)
    collect(box, 1)
    copied = copy(site, "twin", box)
    collect(copied, 7), collect(box, 2)
    assert offer(site, copied, 1) == "appended"
    assert offer(site, box, 1) == "equivocation"
    order = thaw(site)
    assert order.upto == 3  # the opening of the lane, and two collections
    assert [thawing.obey(each, order) for each in (box, third)] == [1, 1]
    assert len(settled(site, box, third)) == 5


def set_aside(site: Site, box: ApplianceStore, fid: FactId) -> int:
    """The status of a fact here."""
    with box.read() as conn:
        return int(
            conn.execute(
                "SELECT l.status FROM log l JOIN stream s ON s.id = l.stream WHERE s.incarnation = ? AND s.lane = ? "
                "AND l.seq = ?",
                fid[1:],
            ).fetchone()[0]
        )


def poison(box: ApplianceStore) -> FactId:
    """A fact that only the hub may write."""
    box.role = "hub"
    with box.write() as unit:
        fid = unit.append(facts.sealed(KEY, "poison"))
    box.role = "courier"
    return fid


def test_what_the_hub_rejected_before_the_histories_part_is_set_aside(site: Site) -> None:
    """The stream was stopped before its machine heard of the rejection: no other acknowledgement will tell it."""
    box = site.box(BOX, 1)
    bad = poison(box)
    site.up(box)
    copied = copy(site, "twin", box)
    collect(copied, 1), collect(copied, 2), collect(box, 3)
    assert offer(site, copied, 1) == "appended"
    assert offer(site, box, 1) == "equivocation"
    site.digest()
    assert set_aside(site, box, bad) == 0
    tell(site, box, bad.incarnation)
    assert set_aside(site, box, bad) == 1
    assert [one.at_ms for one in box.state(STAY, KEY).collections] and not box.state(STAY, KEY).sealed


def tell(site: Site, box: ApplianceStore, incarnation: int) -> str | None:
    """The hub's word on the live stream; what is wrong with it."""
    with site.hub.read() as conn:
        [m] = hub_inbound.marks(conn, box.node, [(incarnation, LIVE)])
    mark = outbox.Mark(m.incarnation, m.lane, m.upto, m.h, m.state, m.rejects, 0)
    return outbox.apply_marks(box, [mark], 1, b"ack", welcome=True)[0].trouble


def test_a_stream_is_stopped_by_the_hub_alone(site: Site) -> None:
    """A machine that finds another history at the hub goes on sending its own until the hub has met it."""
    box = site.box(BOX, 1)
    collect(box, 0)
    copied = copy(site, "twin", box)
    collect(copied, 1), collect(box, 2)
    assert offer(site, copied, 1) == "appended"
    assert tell(site, box, box.incarnation) == "parted"
    assert offer(site, box, 1) == "equivocation"
    assert tell(site, box, box.incarnation) == "other-history"


def test_a_fact_that_a_hub_put_back_has_not_judged_is_issued_again_though_it_was_set_aside(site: Site) -> None:
    box = site.box(BOX, 1)
    collect(box, 0)
    copied = copy(site, "twin", box)
    collect(copied, 1)
    bad = poison(box)
    with box.write(step="ack.apply") as unit:  # as a hub said that was put back since
        unit.conn.execute(
            "UPDATE log SET status = 1 WHERE seq = ? AND stream = (SELECT id FROM stream WHERE incarnation = ? "
            "AND lane = ?)",
            (bad.seq, bad.incarnation, LIVE),
        )
    assert offer(site, copied, 1) == "appended"
    assert offer(site, box, 1) == "equivocation"
    assert thawing.obey(box, thaw(site)) == 1
    for stream in outbox.own_streams(box):
        if stream.incarnation == box.incarnation:
            cut = outbox.cut(box, stream, 1, facts_max=500, bytes_max=60_000)
            hub_inbound.accept(site.hub, arrival(cut))
    site.digest()
    with site.hub.read() as conn:
        assert [row[0] for row in conn.execute("SELECT code FROM quarantine")] == ["fact.role"]
