"""A box lets mirrors go for want of room: what it wrote stays, nothing of the rest lands, and it begins anew later."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.store import room as keeper
from appliance.store.room import Room
from hub.link.publisher import Publisher
from sync.adapters.blob_store.folder import FolderStore
from sync.adapters.sqlite_log import down, hub_gone, hub_snapshots, mirrors
from sync.adapters.sqlite_log.hub_snapshots import Worth
from sync.adapters.sqlite_log.kept_blobs import KeptBlobs
from sync.adapters.sqlite_log.reserve import Reserve
from sync.protocol import room
from sync.protocol.room import Harm, Holding
from tests.adapters.links.conftest import Machine, World
from tests.adapters.links.test_bootstrap import Counted, copy_of, feeds_of, fresh, rounds_of
from tests.adapters.links.test_feeds import collected, due, opened
from tests.waiting import until

STAYS, WARD = "site:stays", "ward:W12"
BLOB_BYTES = 1000


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_snapshots, "SEGMENT_ENTRIES", 20)
    monkeypatch.setattr(mirrors, "ENTITIES_TOGETHER", 16)
    monkeypatch.setattr(room, "WORTH_BYTES", 1)


class Held:
    """A box that holds both scopes of a site of 90 records, and was at work in one of them."""

    def __init__(self, world: World) -> None:
        self.world = world
        opened(world, 90)
        due(world, 1001)
        until(world.digested)
        self.publisher = Publisher(world.hub, world.voice, Worth(members=10, entries=5))
        self.publisher.look()
        self.machine: Machine = fresh(world, [STAYS, WARD])
        self.store = self.machine.store
        self.feeds: Counted = feeds_of(world, self.machine)
        self.rounds = rounds_of(world, self.machine, self.feeds)
        self.rounds.run()
        self.away: list[str] = []
        self.free = 10 * room.CALM_BYTES
        collected(self.store, "1002-1")
        folder = FolderStore(self.machine.folder / "blobs", self.store.suite.hash)
        self.blobs = KeptBlobs(self.store, folder, self.store.suite.hash)
        self.room = Room(
            self.store, self.blobs, Reserve(self.machine.folder / "reserve"), self.machine.folder,
            at_work=lambda: frozenset({STAYS}), returned=lambda: self.away.append("returned"),
        )  # fmt: skip

    def look(self, monkeypatch: pytest.MonkeyPatch, free: int) -> list[str]:
        """The disk says so much is free, and more where blobs went; what is away after a look."""
        staged = len(list(self.blobs.bytes_in.finished()))
        reserve = Reserve(self.machine.folder / "reserve")
        assert reserve.fill()
        monkeypatch.setattr(
            keeper,
            "free_bytes",
            lambda folder: free + BLOB_BYTES * (staged - len(list(self.blobs.bytes_in.finished()))),
        )
        self.room.look()
        with self.store.read() as conn:
            return [one.name for one in mirrors.gone(conn)]

    def equal(self) -> bool:
        """Whether the hub's facts are all here, whatever of its own the box shows on top."""
        return all(xs(copy_of(self.store, label)) == xs(self.world.placed(label)) for label in (STAYS, WARD))


def xs(copy: dict[Any, tuple[bytes, bytes]]) -> dict[Any, bytes]:
    return {name: x for name, (x, _) in copy.items()}


@pytest.fixture
def held(world: World) -> Held:
    return Held(world)


def test_a_mirror_goes_but_for_what_was_written_here_and_begins_anew(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert held.look(monkeypatch, room.SHORT_BYTES) == [] and held.equal()
    assert held.look(monkeypatch, room.SHORT_BYTES - 1) == [WARD] and copy_of(held.store, WARD) == {}
    assert held.look(monkeypatch, room.EDGE_BYTES - 1) == [STAYS, WARD]
    assert set(copy_of(held.store, STAYS)) == {(10, "1002-1")}, "what this box wrote about stays whole"
    assert len(held.store.state(10, "1002-1").collections) == 1
    assert held.store.state(10, "1001-1") is None

    opened(held.world, 30, start=5000)
    until(held.world.digested)
    told = held.rounds.run()
    assert (told.entries, told.begun, told.repaired) == (0, [], []), "the hub has news of it, and none lands"
    assert set(copy_of(held.store, STAYS)) == {(10, "1002-1")}

    assert held.look(monkeypatch, room.CALM_BYTES) == [STAYS, WARD], "not before there is room for it and calm beside"
    assert held.look(monkeypatch, 10 * room.CALM_BYTES) == [WARD] and held.away == ["returned"]
    assert held.look(monkeypatch, 10 * room.CALM_BYTES) == [WARD], "one at a time"
    asked = held.feeds.repairs
    assert held.rounds.run().begun == [STAYS] and held.feeds.repairs == asked
    assert xs(copy_of(held.store, STAYS)) == xs(held.world.placed(STAYS))
    assert len(held.store.state(10, "1002-1").collections) == 1, "once, below the hub's word on it"
    assert held.look(monkeypatch, 10 * room.CALM_BYTES) == []
    assert held.rounds.run().repaired == [WARD], "of one that small the hub has no snapshot"
    assert len(copy_of(held.store, STAYS)) == 120 and copy_of(held.store, WARD) == held.world.placed(WARD)


def test_what_the_hub_forgot_meanwhile_is_not_there_when_its_scope_returns(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had stayed because this box wrote about it, and no entry of the feed told the box: it was away."""
    box = held.world.box("https", machine=held.machine)
    until(lambda: box.drained() and copy_of(held.store, STAYS) == held.world.placed(STAYS))
    box.link.stop()
    assert held.look(monkeypatch, room.EDGE_BYTES - 1) == [STAYS, WARD]
    assert set(copy_of(held.store, STAYS)) == {(10, "1002-1")}
    hub_gone.forget(held.world.hub, held.world.feeds, 10, "1002-1", held.world.hub.high + (86_400_000 << 16))
    opened(held.world, 3, start=5000)
    until(held.world.digested)
    assert held.publisher.publish(STAYS), "a snapshot of after that, and nothing of it in the tail"
    held.look(monkeypatch, 10 * room.CALM_BYTES)
    assert held.rounds.run().begun == [STAYS]
    assert xs(copy_of(held.store, STAYS)) == xs(held.world.placed(STAYS))
    assert held.store.state(10, "1002-1") is None and (10, "1002-1") not in copy_of(held.store, STAYS)


@pytest.mark.parametrize("lost", ["entity", "member"])
def test_a_scope_returns_although_a_row_was_lost_of_what_stayed(
    held: Held, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    assert held.look(monkeypatch, room.EDGE_BYTES - 1) == [STAYS, WARD]
    with held.store.write() as unit:
        assert unit.conn.execute(f"DELETE FROM {lost} WHERE key = '1002-1'").rowcount
    opened(held.world, 30, start=5000)
    until(held.world.digested)
    held.publisher.look()
    held.look(monkeypatch, 10 * room.CALM_BYTES)
    assert held.rounds.run().begun == [STAYS]
    assert xs(copy_of(held.store, STAYS)) == xs(held.world.placed(STAYS))


def test_what_was_acknowledged_and_came_back_stays_with_its_round(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    box = held.world.box("https", machine=held.machine)
    until(lambda: box.drained() and copy_of(held.store, STAYS) == held.world.placed(STAYS))
    with held.store.read() as conn:
        until(lambda: conn.execute("SELECT count(*) FROM pending").fetchone()[0] == 0)
    box.link.stop()
    held.look(monkeypatch, 0)
    assert set(copy_of(held.store, STAYS)) == {(10, "1002-1")}
    assert len(held.store.state(10, "1002-1").collections) == 1


def test_a_process_that_ended_amid_it_is_finished_by_the_next(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    points: list[str] = []

    def stop(place: str) -> None:
        points.append(place)
        if points.count("mirror.drop:before") == 3:
            raise RuntimeError("the power went")

    monkeypatch.setattr(held.store, "point", stop)
    with pytest.raises(RuntimeError):
        mirrors.let_go(held.store, Holding(STAYS, 1, Harm.THE_WORK))
    monkeypatch.undo()
    assert 1 < len(copy_of(held.store, STAYS)) < 90
    mirrors.finish(held.store)
    assert set(copy_of(held.store, STAYS)) == {(10, "1002-1")}


def test_a_scope_that_is_taken_away_meanwhile_is_forgotten(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    assert held.look(monkeypatch, room.SHORT_BYTES - 1) == [WARD]
    assert down.set_scopes(held.store, 9, [STAYS])
    with held.store.read() as conn:
        assert mirrors.gone(conn) == []


def test_bytes_that_the_hub_holds_go_oldest_first_and_the_others_never(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []
    for n in range(3):
        blob = held.blobs.stage(bytes([n]) * BLOB_BYTES)
        with held.store.write() as unit:
            held.blobs.describe(unit, blob, "image/png", (10, "1002-1"))
        names.append(blob)
    held.blobs.signed([(names[0], False), (names[1], False)])
    monkeypatch.setattr(room, "CALM_BYTES", room.SHORT_BYTES + 1)
    assert held.look(monkeypatch, room.SHORT_BYTES - 10) == ["blobs", WARD]
    assert set(held.blobs.bytes_in.finished()) == {names[1], names[2]}, "one was enough"
    held.blobs.let_go(10**9)
    assert set(held.blobs.bytes_in.finished()) == {names[2]}, "what the hub has not signed for stays"
    assert held.look(monkeypatch, 10 * room.CALM_BYTES) == [WARD]
