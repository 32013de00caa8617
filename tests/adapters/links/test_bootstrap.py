"""A scope begins on a box that holds nothing of it: from the hub's snapshot, whatever the line and the power do."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from appliance.features.devices.store import feeds as carried
from appliance.link.rounds import Rounds
from appliance.link.trust_book import BoxKeys, TrustBook
from hub.link.publisher import Publisher
from provisioning.demo.relay import LineSpec, Relay, Trouble
from sync.adapters.clock import SystemClock
from sync.adapters.https_link import HttpsFeeds
from sync.adapters.idgen import SystemEntropy
from sync.adapters.sqlite_log import bootstrap, down, hub_snapshots
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.hub_snapshots import Worth
from sync.catalog import ENTITY_TYPES
from sync.domain.tracking import facts as alias
from sync.kernel.fact import NewFact
from sync.kernel.outcome import PeerFault, Unavailable
from sync.kernel.suite import suite1
from tests.waiting import until

STAYS = "site:stays"


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_snapshots, "SEGMENT_ENTRIES", 20)


def stays(world, n: int, start: int = 1000) -> None:
    with world.hub.write() as unit:
        for i in range(start, start + n):
            body = {1: str(i), 2: "1", 3: "W12", 4: "2026-11-01", 8: 1793491200000 + i, 9: f"c{i}"}
            unit.append(NewFact(40, 10, f"{i}-1", body))
    world.wait_digested()


def collected(store, stay: str) -> None:
    number = stay.split("-")[0]
    body = {1: f"{store.node}.0000000a", 2: "W12", 3: "good", 5: "gun", 6: number, 7: 1793491200000, 9: 1793491200000}
    with store.write() as unit:
        unit.append(NewFact(50, 10, stay, body))


def publisher(world) -> Publisher:
    return Publisher(world.hub, world.voice, Worth(members=10, entries=5))


class Counted(HttpsFeeds):
    """The real feeds, with a number for each question and for each segment that came."""

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self.repairs = 0
        self.segments: list[int] = []
        self.stop_after: int | None = None

    def repair(self, label: str, asked: bytes) -> list[bytes]:
        self.repairs += 1
        return super().repair(label, asked)

    def snapshot(self, label: str, epoch: int, sseq: int, k: int) -> Iterator[bytes]:
        for raw in super().snapshot(label, epoch, sseq, k):
            if self.stop_after is not None and len(self.segments) >= self.stop_after:
                raise Unavailable("line.lost", 1.0)
            self.segments.append(k)
            k += 1
            yield raw


def feeds_of(world, machine, url: str | None = None) -> Counted:
    return Counted(url or world.https_url, world.tls(machine.node), world.folder / "ca.crt")


def rounds_of(world, machine, feeds: HttpsFeeds) -> Rounds:
    book = TrustBook(BoxKeys(machine.node, machine.signing, suite=suite1), world.bundle.raw, lambda raw: None)
    return Rounds(machine.store, feeds, book)


def fresh(world, labels=(STAYS,)):
    machine = world.machine(scopes=labels)
    down.raise_epoch(machine.store, world.hub.epoch)
    down.set_scopes(machine.store, 1, labels)
    return machine


def copy_of(store, label: str):
    with store.read() as conn:
        rows = conn.execute(
            "SELECT m.etype, m.key, e.x, e.state FROM member m JOIN entity e ON e.etype = m.etype "
            "AND e.key = m.key WHERE m.label = ?",
            (label,),
        ).fetchall()
    return {(r[0], r[1]): (r[2], r[3]) for r in rows}


def equal(world, store, label: str = STAYS) -> bool:
    return copy_of(store, label) == world.placed(label)


def test_a_new_box_begins_from_the_snapshot_and_the_tail(world, small_segments) -> None:
    stays(world, 150)
    assert publisher(world).look() == [STAYS]
    stays(world, 7, start=5000)
    machine = fresh(world)
    feeds = feeds_of(world, machine)
    done = rounds_of(world, machine, feeds).run()
    assert done.begun == [STAYS] and done.repaired == [] and feeds.repairs == 0
    assert feeds.segments == list(range(8))
    assert equal(world, machine.store) and len(copy_of(machine.store, STAYS)) == 157
    [cursor] = down.cursors(machine.store)
    assert not cursor.to_repair and cursor.head_at == done.hub_ms
    with machine.store.read() as conn:
        assert bootstrap.loading(conn) == []


def test_a_small_or_quiet_scope_gets_no_new_snapshot(world) -> None:
    stays(world, 9)
    assert publisher(world).look() == []
    machine = fresh(world)
    feeds = feeds_of(world, machine)
    assert rounds_of(world, machine, feeds).run().repaired == [STAYS] and feeds.repairs
    assert equal(world, machine.store)
    stays(world, 3, start=2000)
    assert publisher(world).look() == [STAYS]
    stays(world, 4, start=3000)
    assert publisher(world).look() == []


def test_own_facts_stay_on_top_and_what_is_held_elsewhere_is_not_set_back(world, small_segments) -> None:
    stays(world, 60)
    publisher(world).look()
    machine = fresh(world)
    collected(machine.store, "1001-1")
    rounds_of(world, machine, feeds_of(world, machine)).run()
    assert len(machine.store.state(10, "1001-1").collections) == 1
    with machine.store.read() as conn:
        assert conn.execute("SELECT count(*) FROM pending").fetchone()[0] == 1
    assert len(copy_of(machine.store, STAYS)) == 60


@pytest.mark.parametrize("after", (0, 1, 5, 7))
def test_a_cut_line_costs_the_segment_on_its_way(world, small_segments, after: int) -> None:
    stays(world, 150)
    publisher(world).look()
    machine = fresh(world)
    feeds = feeds_of(world, machine)
    feeds.stop_after = after
    with pytest.raises(Unavailable):
        rounds_of(world, machine, feeds).run()
    assert copy_of(machine.store, STAYS) == {}, "nothing is shown before all is there"
    feeds.stop_after = None
    rounds_of(world, machine, feeds).run()
    assert feeds.segments == list(range(8)), "none came twice"
    assert equal(world, machine.store)


class Behind(SystemClock):
    """Ten seconds slow: what it stamps sorts below what the hub wrote in the same moment."""

    def wall_ms(self) -> int:
        return super().wall_ms() - 10_000


class Reset:
    """A line that lets so many bytes down and then breaks; every connection of it counts what came."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.allow = 0
        self.came: list[int] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._take, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _take(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._to))
            self.came.append(0)
            threading.Thread(target=self._pump, args=(near, far, None), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, len(self.came) - 1), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, n: int | None) -> None:
        try:
            while data := source.recv(4096):
                if n is not None:
                    data = data[: max(0, self.allow - self.came[n])]
                    self.came[n] += len(data)
                    if not data:
                        break
                sink.sendall(data)
        except OSError:
            pass
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@pytest.mark.row("I25.3")
def test_a_cut_at_any_byte_goes_on_where_it_was(world, small_segments) -> None:
    """The same line breaks after more and more bytes: what came whole is never asked for again."""
    stays(world, 400)
    publisher(world).look()
    line = Reset(world.https_port)
    world.closers.append(line.close)
    url = f"https://127.0.0.1:{line.port}"
    whole = fresh(world)
    line.allow = 10**9
    feeds = feeds_of(world, whole, url)
    rounds_of(world, whole, feeds).run()
    all_of_it = sum(line.came)
    with world.hub.read() as conn:
        largest = conn.execute("SELECT max(length(raw)) FROM snapshot_segment").fetchone()[0]
    machine = fresh(world)
    feeds = feeds_of(world, machine, url)
    line.came.clear()
    cuts = 0
    for allow in range(5000, 10**6, 1777):
        line.allow = allow
        try:
            rounds_of(world, machine, feeds).run()
            break
        except (Unavailable, PeerFault):
            cuts += 1
            feeds.reset()
    assert cuts > 5 and equal(world, machine.store)
    assert len(feeds.segments) == 20, "each came whole exactly once"
    greeting, tls_record = 6000, 16 * 1024
    assert sum(line.came) <= all_of_it + cuts * (largest + tls_record + greeting)


def test_losing_the_scope_loses_what_was_staged(world, small_segments) -> None:
    stays(world, 150)
    publisher(world).look()
    machine = fresh(world)
    feeds = feeds_of(world, machine)
    feeds.stop_after = 3
    with pytest.raises(Unavailable):
        rounds_of(world, machine, feeds).run()
    with machine.store.read() as conn:
        assert bootstrap.loading(conn) == [(STAYS, 3, 8)]
    down.set_scopes(machine.store, 2, [])
    with machine.store.read() as conn:
        assert conn.execute("SELECT count(*) FROM staged").fetchone()[0] == 0
    assert rounds_of(world, machine, feeds).run().begun == []
    assert copy_of(machine.store, STAYS) == {}


def test_another_epoch_starts_over(world, small_segments) -> None:
    stays(world, 150)
    publisher(world).look()
    machine = fresh(world)
    feeds = feeds_of(world, machine)
    feeds.stop_after = 3
    with pytest.raises(Unavailable):
        rounds_of(world, machine, feeds).run()
    world.raise_epoch()
    feeds.stop_after = None
    assert not rounds_of(world, machine, feeds).run().applied
    down.raise_epoch(machine.store, world.hub.epoch)
    assert publisher(world).look() == [STAYS], "the snapshot of the epoch before serves nobody any more"
    assert rounds_of(world, machine, feeds).run().begun == [STAYS]
    assert feeds.segments == [0, 1, 2, *range(8)] and equal(world, machine.store)


@pytest.mark.parametrize("place", ("snapshot.stage:before", "snapshot.stage:after", "snapshot.apply:before",
                                   "snapshot.apply:after"))  # fmt: skip
def test_a_power_cut_at_any_step_of_it(world, small_segments, monkeypatch, place: str) -> None:
    """The step's commit is there whole or not at all; the next start goes on from what is there."""

    class PowerCut(BaseException):
        pass

    def point(name: str) -> None:
        if name == place:
            raise PowerCut

    monkeypatch.setattr("appliance.link.starting.STAGE_EVERY_S", 0.0)
    stays(world, 150)
    publisher(world).look()
    machine = world.machine(scopes=[STAYS])

    def start(listen: Callable[[str], None]) -> None:
        machine.store = ApplianceStore(
            machine.folder / "cut.db", bytes(32), node=machine.node, role=machine.role, clock=SystemClock(),
            entropy=SystemEntropy(), point=listen,
        )  # fmt: skip
        world.closers.append(machine.store.close)
        machine.store.start_incarnation("test")

    start(point)
    down.raise_epoch(machine.store, world.hub.epoch)
    down.set_scopes(machine.store, 1, [STAYS])
    feeds = feeds_of(world, machine)
    with pytest.raises(PowerCut):
        rounds_of(world, machine, feeds).run()
    machine.store.close()
    start(lambda name: None)
    rounds_of(world, machine, feeds).run()
    assert equal(world, machine.store) and len(copy_of(machine.store, STAYS)) == 150
    with machine.store.read() as conn:
        assert bootstrap.loading(conn) == []
        assert conn.execute("SELECT count(*) FROM staged").fetchone()[0] == 0


def test_a_late_fact_below_the_snapshot_travels_as_a_state(world, small_segments) -> None:
    stays(world, 60)
    late = world.machine(scopes=[STAYS], clock=Behind())
    collected(late.store, "1001-1")
    with world.hub.write() as unit:
        unit.append(NewFact(45, 10, "1001-1", {1: "court"}))
    world.wait_digested()
    publisher(world).look()
    machine = fresh(world)
    rounds_of(world, machine, feeds_of(world, machine)).run()
    box = world.box("mqtt", machine=late, feeds=False)
    until(lambda: box.drained() and world.digested())
    assert len(world.hub.state(10, "1001-1").collections) == 1
    feeds = feeds_of(world, machine)
    done = rounds_of(world, machine, feeds).run()
    assert done.entries == 1 and done.repaired == [] and feeds.repairs == 0
    assert equal(world, machine.store)


def test_a_snapshot_that_a_late_fact_overtook_is_not_published(world, small_segments) -> None:
    stays(world, 60)
    late = world.machine(scopes=[STAYS], clock=Behind())
    collected(late.store, "1001-1")
    with world.hub.write() as unit:
        unit.append(NewFact(45, 10, "1001-1", {1: "court"}))
    world.wait_digested()
    made = hub_snapshots.make(world.hub, STAYS, world.voice.segment, world.voice.hub_time())
    box = world.box("mqtt", machine=late, feeds=False)
    until(lambda: box.drained() and world.digested())
    signed = world.voice.manifest(made.manifest)
    assert not hub_snapshots.publish(world.hub, made, signed, 0)
    again = hub_snapshots.make(world.hub, STAYS, world.voice.segment, world.voice.hub_time())
    assert hub_snapshots.publish(world.hub, again, world.voice.manifest(again.manifest), 0)


def test_a_segment_that_is_not_the_manifests_is_refused(world, small_segments) -> None:
    stays(world, 60)
    publisher(world).look()
    with world.hub.write() as unit:
        unit.conn.execute(
            "UPDATE snapshot_segment SET raw = (SELECT raw FROM snapshot_segment WHERE k = 0) WHERE k = 1"
        )
    machine = fresh(world)
    with pytest.raises(PeerFault, match=r"snapshot\.segment"):
        rounds_of(world, machine, feeds_of(world, machine)).run()
    assert copy_of(machine.store, STAYS) == {}
    with machine.store.read() as conn:
        assert bootstrap.loading(conn) == []


def test_old_entries_go_when_two_snapshots_stand_above_them(world, small_segments) -> None:
    """A box that comes back after that finds its place gone, and is repaired."""
    day_ms = 24 * 3600 * 1000
    stays(world, 20)
    machine = fresh(world)
    feeds = feeds_of(world, machine)
    rounds_of(world, machine, feeds).run()
    now = world.hub.clock.wall_ms()
    for n, age in enumerate((40, 35, 1)):
        stays(world, 20, start=2000 + 100 * n)
        made = hub_snapshots.make(world.hub, STAYS, world.voice.segment, world.voice.hub_time())
        assert hub_snapshots.publish(world.hub, made, world.voice.manifest(made.manifest), now - age * day_ms)
    assert hub_snapshots.forget_old(world.hub, STAYS, now - 11 * day_ms) == 0, "not yet 30 days"
    assert hub_snapshots.forget_old(world.hub, STAYS, now) == 59
    repairs = feeds.repairs
    done = rounds_of(world, machine, feeds).run()
    assert done.repaired == [STAYS] and feeds.repairs > repairs and equal(world, machine.store)
    newcomer = fresh(world)
    assert rounds_of(world, newcomer, feeds_of(world, newcomer)).run().begun == [STAYS]
    assert equal(world, newcomer.store)


def test_what_was_repaired_is_compared_at_the_next_head(world) -> None:
    stays(world, 40)
    machine = fresh(world)
    feeds = feeds_of(world, machine)
    rounds = rounds_of(world, machine, feeds)
    assert rounds.run().repaired == [STAYS]
    with machine.store.write() as unit:
        unit.conn.execute("UPDATE entity SET x = ? WHERE key = '1007-1'", (bytes(16),))
    assert rounds.run().repaired == [STAYS], "at the same position, so only the set hashes tell"
    assert equal(world, machine.store)
    assert rounds.run().repaired == [] and rounds.run().repaired == []
    with machine.store.write() as unit:
        unit.conn.execute("UPDATE entity SET x = ? WHERE key = '1008-1'", (bytes(16),))
    assert rounds.run().repaired == [], "looked at lately: the next look is six hours later"
    with machine.store.write() as unit:
        unit.conn.execute("UPDATE meta SET value = value - ? WHERE name = 'sets_checked_ms'", (6 * 3600 * 1000 + 1,))
    assert rounds.run().repaired == [STAYS]
    assert equal(world, machine.store)


@pytest.mark.row("I25.3")
def test_a_ward_arrives_over_a_line_that_is_slow_and_breaks(world, small_segments) -> None:
    """The demo's own line: held chunks, then nobody there, then good; the box shows how far it is."""
    stays(world, 400)
    publisher(world).look()
    machine = fresh(world)
    spec = LineSpec(machine.node, {"https": ("127.0.0.1", world.https_port)})
    relay = Relay([spec], trouble=Trouble(slow_s=(0.02, 0.05)))
    relay.start()
    world.closers.append(relay.stop)
    feeds = feeds_of(world, machine, f"https://127.0.0.1:{relay.port(machine.node, 'https')}")
    original = feeds.snapshot

    def cutting(*place) -> Iterator[bytes]:
        for raw in original(*place):
            yield raw
            if len(feeds.segments) == 9:
                relay.set_mode(machine.node, "refused")

    feeds.snapshot = cutting  # type: ignore[method-assign]  # the same answers, and a hand on the line between two
    relay.set_mode(machine.node, "slow")
    with pytest.raises(Unavailable):
        for _ in range(3):
            rounds_of(world, machine, feeds).run()
    assert copy_of(machine.store, STAYS) == {}
    with machine.store.read() as conn:
        [row] = carried(conn)
    assert 9 <= row.parts < row.parts_all == 20, "what came before the line broke is here"
    feeds.reset()
    relay.set_mode(machine.node, "up")
    assert rounds_of(world, machine, feeds).run().begun == [STAYS]
    assert equal(world, machine.store)


def test_what_this_version_does_not_know_is_held_all_the_same(world, small_segments, monkeypatch) -> None:
    """A newer hub places a new type of entity: the box holds it unseen, so set hashes agree and nothing is repaired."""
    stays(world, 60)
    with world.hub.write() as unit:
        unit.append(alias.number_merged("00731846", into="00731847", event_at_ms=1, control="m1"))
    world.wait_digested()
    publisher(world).look()
    machine = fresh(world)
    known = {number: kind for number, kind in ENTITY_TYPES.items() if number != 12}
    for module in ("landing", "bootstrap"):
        monkeypatch.setattr(f"sync.adapters.sqlite_log.{module}.ENTITY_TYPES", known)
    feeds = feeds_of(world, machine)
    rounds = rounds_of(world, machine, feeds)
    assert rounds.run().begun == [STAYS]
    with machine.store.write() as unit:
        unit.conn.execute("UPDATE meta SET value = 0 WHERE name = 'sets_checked_ms'")
    assert rounds.run().repaired == []
    with world.hub.write() as unit:
        unit.append(alias.number_merged("00731850", into="00731847", event_at_ms=2, control="m2"))
    world.wait_digested()
    with machine.store.write() as unit:
        unit.conn.execute("UPDATE meta SET value = 0 WHERE name = 'sets_checked_ms'")
    done = rounds.run()
    assert done.entries == 1 and done.repaired == [] and feeds.repairs == 0
    assert copy_of(machine.store, STAYS).keys() == world.placed(STAYS).keys()
