"""A fact issued again: it counts once, keeps its place in the order and its first id, whichever writing comes first."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.adapters.sqlite_log import hub_inbound, landing, outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.connection import SqlcipherFile
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.kernel.codec import decode_fact
from sync.kernel.fact import Fact, NewFact, apart
from sync.kernel.ids import FactId
from tests.adapters.store.sites import Site, arrival, open_hub

STAY = 10


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    database = SqlcipherFile(tmp_path / "hub.db", bytes(32))
    hub = open_hub(tmp_path, database, 9)
    made = Site(hub, Feeds(hub), tmp_path, {}, database)
    yield made
    for store in (hub, *made.boxes.values()):
        store.close()


def restarted(site: Site, box: ApplianceStore, seed: int) -> ApplianceStore:
    box.close()
    return site.box(box.node, seed)


def up_newest(site: Site, box: ApplianceStore) -> None:
    """Only what the running process wrote goes up; the rest is behind a freeze."""
    for stream in outbox.own_streams(box):
        if stream.incarnation == box.incarnation:
            cut = outbox.cut(box, stream, 1, facts_max=500, bytes_max=60_000)
            assert cut is not None
            hub_inbound.accept(site.hub, arrival(cut))


def collect(box, stay: str, at_ms: int = 1793491200000) -> FactId:
    body = {1: f"{box.node}.0000000a", 2: "W01", 3: "good", 5: "gun", 6: stay.split("-")[0], 7: at_ms, 9: at_ms}
    with box.write() as unit:
        return unit.append(NewFact(50, STAY, stay, body))


def again(box, fid: FactId, *, same: bool = True) -> FactId:
    """As a thaw or a salvage does it: out of the overlay and written anew, in one commit."""
    with box.write() as unit:
        row = unit.conn.execute(
            "SELECT l.h, l.fact FROM log l JOIN stream s ON s.id = l.stream WHERE s.incarnation = ? AND s.lane = ? "
            "AND l.seq = ?",
            fid[1:],
        ).fetchone()
        landing.unpend(unit.conn, fid)
        return box.issue_again(unit, fid, row[0], row[1], same=same)


def test_a_lane_that_opens_with_a_fact_issued_again_is_stamped_in_order(site: Site) -> None:
    box = site.box("courier-bbbbbbbb", 1)
    first = collect(box, "1001-1")
    box = restarted(site, box, 2)
    fid = again(box, first)
    assert fid.seq == 2
    stamps = [written(box, FactId(*fid[:3], seq)).hlc for seq in (1, 2)]
    assert stamps == sorted(set(stamps))


def written(box, fid: FactId) -> Fact:
    with box.read() as conn:
        row = conn.execute(
            "SELECT l.fact FROM log l JOIN stream s ON s.id = l.stream WHERE s.incarnation = ? AND s.lane = ? "
            "AND l.seq = ?",
            fid[1:],
        ).fetchone()
    return decode_fact(row[0])


def facts_of(hub: HubStore, stay: str) -> list[FactId]:
    with hub.read() as conn:
        rows = conn.execute(
            "SELECT s.node, s.incarnation, s.lane, f.seq FROM entity_fact f JOIN stream s ON s.id = f.stream "
            "WHERE f.etype = ? AND f.key = ? ORDER BY f.rev",
            (STAY, stay),
        ).fetchall()
    return [FactId(*row) for row in rows]


def test_it_carries_the_first_place_and_stamp_and_a_stamp_of_its_own(site: Site) -> None:
    box = site.box("courier-a3k7q2xw", 1)
    first = collect(box, "0100-1")
    second = again(box, first)
    third = again(box, second)
    old, new, newest = (written(box, fid) for fid in (first, second, third))
    assert new.reissue_of is not None and newest.reissue_of == new.reissue_of
    assert new.reissue_of[:3] == first[1:] and new.reissue_of[4] == old.hlc
    assert old.hlc < new.hlc < newest.hlc
    assert new.sort_hlc == old.hlc and new.at_ms == old.at_ms
    assert (new.body, new.actor, new.base) == (old.body, old.actor, old.base)
    assert [one.fact for one in box.state(STAY, "0100-1").collections] == [first]


@pytest.mark.parametrize("order", ["held first", "issued again only", "issued again twice", "held last"])
def test_the_hub_counts_it_once(site: Site, order: str) -> None:
    """Held last: the first batch was still on its way over another carrier when a repair wrote the fact again."""
    box = site.box("courier-a3k7q2xw", 1)
    first = collect(box, "0100-1")
    if order == "held first":
        site.up(box)
        site.digest()
    box = restarted(site, box, 2)
    second = again(box, first)
    if order == "issued again twice":
        again(box, second)
    up_newest(site, box)
    site.digest()
    if order == "held last":
        site.up(box)
        site.digest()
    assert facts_of(site.hub, "0100-1") == [first if order == "held first" else second]
    assert [one.fact for one in site.hub.state(STAY, "0100-1").collections] == [first]


def test_what_may_share_its_number_with_another_fact_goes_by_its_hash(site: Site) -> None:
    """It keeps its place in the order, and counts once beside its first writing all the same."""
    box = site.box("courier-a3k7q2xw", 1)
    first = collect(box, "0100-1")
    new = written(box, again(box, first, same=False))
    assert new.reissue_of is not None and new.reissue_of[0] == apart(new.reissue_of[3]) != first.incarnation
    assert new.reissue_of[1:3] == first[2:] and new.at_ms == written(box, first).at_ms
    site.up(box)
    site.digest()
    assert len(site.hub.state(STAY, "0100-1").collections) == 1


def test_its_place_in_the_order_is_that_of_the_first_writing(site: Site) -> None:
    box, other = site.box("courier-a3k7q2xw", 1), site.box("courier-b4l8r3yz", 2)
    first = collect(box, "0100-1")
    collect(other, "0100-1")
    box = restarted(site, box, 3)
    second = again(box, first)
    site.up(other)
    up_newest(site, box)
    site.digest()
    assert facts_of(site.hub, "0100-1")[1] == second
    assert [one.node for one in site.hub.state(STAY, "0100-1").collections] == [box.node, other.node]


def test_the_box_shows_it_once_before_and_after_the_copy_covers_it(site: Site) -> None:
    box = site.box("courier-a3k7q2xw", 1)
    first = collect(box, "0100-1")
    site.up(box)
    site.digest()
    site.round(box)
    again(box, first)  # the hub held it after all
    assert [one.fact for one in box.state(STAY, "0100-1").collections] == [first]
    site.up(box)
    site.digest()
    site.round(box)
    assert [one.fact for one in box.state(STAY, "0100-1").collections] == [first]


def test_boxes_and_hub_agree_after_random_reissues(site: Site) -> None:
    rng = random.Random(5)
    boxes = [site.box("courier-a3k7q2xw", 1), site.box("courier-b4l8r3yz", 2)]
    written_ids: dict[str, list[FactId]] = {box.node: [] for box in boxes}
    for turn in range(60):
        box = rng.choice(boxes)
        if written_ids[box.node] and rng.random() < 0.3:
            again(box, rng.choice(written_ids[box.node]))
        else:
            written_ids[box.node].append(collect(box, f"010{rng.randrange(4)}-1", 1793491200000 + turn))
        if rng.random() < 0.3:
            site.up(rng.choice(boxes))
            site.digest()
        if rng.random() < 0.3:
            site.round(rng.choice(boxes))
    for box in boxes:
        site.up(box)
    site.digest()
    for box in boxes:
        site.round(box)
    for n in range(4):
        hub = site.hub.state(STAY, f"010{n}-1")
        assert sorted(one.fact for one in hub.collections) == sorted(set(one.fact for one in hub.collections))
        for box in boxes:
            assert box.state(STAY, f"010{n}-1").collections == hub.collections
