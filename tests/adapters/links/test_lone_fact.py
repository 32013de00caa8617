"""A fact that comes alone goes the short way, and what can wait makes way for it; a crowd changes nothing of either."""

from __future__ import annotations

import threading
import time

import pytest

from appliance.link.letters import Letters
from appliance.link.pump import Pump
from appliance.link.runner import IN_A_ROW_S
from appliance.link.trust_book import BoxKeys, TrustBook
from hub.link.digester import BRIEF_RUN_FACTS, YIELD_S_MAX, Digester
from hub.link.door import CROWD_NODES, LONG_PIECES, Offer
from sync.adapters.mqtt_link import hang_up, new_client, up_topic
from sync.adapters.sqlite_log import outbox
from sync.adapters.sqlite_log.digest import digest_some
from sync.kernel.fact import NewFact
from sync.kernel.ids import CONTROL, LIVE
from sync.kernel.limits import BACKLOG_FACTS
from sync.kernel.outcome import Unavailable
from sync.kernel.suite import suite1
from sync.protocol.batch import make_batch, open_batch, parse_header

LINES = "paho-mqtt-client"


def collect(store, stay: str, count: int = 1) -> None:
    with store.write() as unit:
        for n in range(count):
            no = f"{stay}{n:04d}"
            body = {1: f"{store.node}.0000000a", 2: "W12", 3: "good", 5: "gun", 6: no, 7: 1, 9: 1}
            unit.append(NewFact(50, 10, f"{no}-1", body))


def batch_of(world, machine, lane: int, count: int) -> bytes:
    own = next(each for each in outbox.own_streams(machine.store) if each.lane == lane)
    cut = outbox.cut(machine.store, own, 1, facts_max=count, bytes_max=10**6)
    return make_batch(
        node=machine.node,
        incarnation=own.incarnation,
        lane=lane,
        first=1,
        prev_hash=cut.prev_hash,
        items=cut.items,
        signing_key=machine.signing,
        hub_seal_key=suite1.sealing_public(world.voice.keys.sealing),
        suite=suite1,
    )


def test_it_is_taken_and_its_answer_kept_by_the_threads_that_read_the_lines(world, patiently, monkeypatch) -> None:
    ends: dict[str, set[str]] = {"hub": set(), "box": set()}
    receive_many, take = world.door.receive_many, Pump.take

    def at_the_hub(offers):
        ends["hub"].add(threading.current_thread().name)
        return receive_many(offers)

    def at_the_box(pump, what, name="", raw=b""):
        if what == "received":
            ends["box"].add(threading.current_thread().name)
        take(pump, what, name, raw)

    monkeypatch.setattr(world.door, "receive_many", at_the_hub)
    monkeypatch.setattr(Pump, "take", at_the_box)
    box = world.box("mqtt", feeds=False)
    patiently(box.drained)
    for n in range(20):  # another word may be on its way beside a fact, and then both go the long way
        collect(box.store, f"{100 + n}")
        patiently(box.drained)
    assert all(any(name.startswith(LINES) for name in names) for names in ends.values()), ends
    assert world.facts_held(box.machine.node) == box.ledger()[0]


def test_what_many_threads_send_at_once_comes_whole_and_in_order(world, patiently) -> None:
    came: list[bytes] = []
    machine = world.machine()
    topic = up_topic(machine.node)
    world.ingest._client.on_message = lambda client, data, told: came.append(bytes(told.payload))
    client = new_client(machine.node, world.tls(machine.node), queue_max=0)
    client.connect("127.0.0.1", world.broker.port, clean_start=True)
    client.loop_start()
    sizes = [(1, 300, 40_000)[n % 3] for n in range(40)]

    def send(who: int) -> None:
        for n, size in enumerate(sizes):
            client.publish(topic, b"%d %d " % (who, n) + b"z" * size, qos=1)

    try:
        patiently(client.is_connected)
        threads = [threading.Thread(target=send, args=(who,)) for who in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        patiently(lambda: len(came) >= 4 * len(sizes))
    finally:
        hang_up(client)
    for who in range(4):
        mine = [raw for raw in came if raw.startswith(b"%d " % who)]
        assert mine == [b"%d %d " % (who, n) + b"z" * size for n, size in enumerate(sizes)]


def test_what_the_last_commit_wrote_is_cut_as_the_log_has_it(world) -> None:
    store = world.machine().store
    collect(store, "7", 5)
    own = next(each for each in outbox.own_streams(store) if each.lane == LIVE)
    fresh = [outbox.cut(store, own, first, facts_max=3, bytes_max=10**6) for first in (1, 2, 4)]
    assert all(store.newest(own.stream, first, 3) for first in (1, 2, 4)), "nothing was read"
    store.tally("another.commit")
    assert not store.newest(own.stream, 1, 3), "which may have changed what is to be said"
    assert fresh == [outbox.cut(store, own, first, facts_max=3, bytes_max=10**6) for first in (1, 2, 4)]


def letters_of(world, machine) -> Letters:
    keys = BoxKeys(machine.node, machine.signing, suite1)
    return Letters(machine.store, TrustBook(keys, world.bundle.raw, lambda raw: None), "test")


def facts_in(world, machine, raw: bytes) -> list[bytes]:
    public = suite1.signing_public(machine.signing)
    return open_batch(raw, parse_header(raw), public_key=public, open_key=world.voice.keys.sealing, suite=suite1).items


def test_what_is_sealed_while_the_disk_takes_it_is_what_goes_out(world, monkeypatch) -> None:
    machine = world.machine()
    store, letters = machine.store, letters_of(world, machine)
    collect(store, "1")  # opens its lane
    own = next(each for each in outbox.own_streams(store) if each.lane == LIVE)
    sealed: list[int] = []
    seal = Letters._seal
    monkeypatch.setattr(Letters, "_seal", lambda self, cut: sealed.append(cut.first) or seal(self, cut))
    store.foretell(lambda lane, links: letters.foresee((store.incarnation, lane), links))
    for seq in range(own.last + 1, own.last + 3):
        collect(store, f"{seq}")
        assert sealed[-1:] == [seq], "before its commit"
        raw, last = letters.batch((own.incarnation, LIVE), seq)
        assert last == seq and facts_in(world, machine, raw) == [store.newest(own.stream, seq, 1)[0].fact]
    assert len(sealed) == 2, "and not again"
    letters.batch((own.incarnation, LIVE), own.last + 1)
    assert len(sealed) == 3, "what is cut at other borders is sealed anew"


def test_what_was_sealed_for_a_commit_that_failed_never_leaves(world) -> None:
    machine = world.machine()
    store, letters = machine.store, letters_of(world, machine)
    collect(store, "1")
    own = next(each for each in outbox.own_streams(store) if each.lane == LIVE)
    foreseen: list[bytes] = []

    def foresee(lane, links) -> None:
        foreseen.extend(link.fact for link in links)
        letters.foresee((store.incarnation, lane), links)

    def fail(place: str) -> None:
        if place == "act:before":
            raise Unavailable("store.write", 1.0)

    store.foretell(foresee)
    store.point, before = fail, store.point
    with pytest.raises(Unavailable):
        collect(store, "2")
    store.point = before
    store.foretell(lambda lane, links: None)
    place, seq = (own.incarnation, LIVE), own.last + 1
    assert len(foreseen) == 1 and letters.batch(place, seq) is None, "nothing is kept, so nothing goes out"
    collect(store, "3")
    raw, last = letters.batch(place, seq)
    kept = [store.newest(own.stream, seq, 1)[0].fact]
    assert last == seq and facts_in(world, machine, raw) == kept != foreseen


def test_facts_in_a_row_are_sealed_before_their_commits_and_one_alone_after_it(world, patiently, monkeypatch) -> None:
    box = world.box("mqtt", feeds=False)
    patiently(box.drained)
    early: list[int] = []
    foresee = Letters.foresee
    monkeypatch.setattr(Letters, "foresee", lambda self, *told: early.append(told[1][0].seq) or foresee(self, *told))
    for n in range(3):
        time.sleep(2 * IN_A_ROW_S)
        collect(box.store, f"{100 + n}")
        patiently(box.drained)
    assert not early, "a person who waits for a commit is not kept from it"
    monkeypatch.setattr("appliance.link.runner.IN_A_ROW_S", 600.0)
    for n in range(5):
        collect(box.store, f"{200 + n}")
        patiently(box.drained)
    patiently(lambda: len(early) == 5)
    assert world.facts_held(box.machine.node) == box.ledger()[0]


def test_a_brief_run_of_the_digest_is_short_and_ends_for_what_is_still_on_the_line(
    world, patiently, monkeypatch
) -> None:
    world.digester.stop()
    machine = world.machine()
    collect(machine.store, "9", 4 * BRIEF_RUN_FACTS)
    for lane in (CONTROL, LIVE):
        world.door.receive(batch_of(world, machine, lane, 4 * BRIEF_RUN_FACTS), "mqtt", machine.node)
    monkeypatch.setattr("hub.link.digester.YIELD_S_MAX", 0.0)
    monkeypatch.setattr("hub.link.digester.BRIEF_S_MAX", 600.0)
    behind = Digester(world.hub, world.feeds, world.door, world.voice, world.post)
    unread = [False]
    behind.make_way_for(lambda: unread[0])
    lags = [behind.lag()]

    def step() -> int:
        assert behind._step(*behind._turn())
        lags.append(behind.lag())
        return lags[-2] - lags[-1]

    step()
    assert step() == BRIEF_RUN_FACTS
    unread[0] = True
    assert step() == 1


def test_a_run_of_the_digest_ends_for_who_waits_and_goes_on_where_it_was(world) -> None:
    world.digester.stop()
    machine = world.machine()
    collect(machine.store, "8", 6)
    while digest_some(world.hub, world.feeds).behind:
        pass
    for lane in (CONTROL, LIVE):
        world.door.receive(batch_of(world, machine, lane, 10), "mqtt", machine.node)
    runs = []
    while not runs or runs[-1].behind:
        runs.append(digest_some(world.hub, world.feeds, hurry=lambda: True))
    assert [run.facts for run in runs] == [1] * world.facts_held(machine.node)
    assert all(run.oldest for run in runs[:-1]) and not runs[-1].oldest
    with world.hub.read() as conn:
        assert conn.execute("SELECT count(*) FROM entity WHERE etype = 10").fetchone()[0] == 6


def test_the_digest_stops_for_the_door_and_is_told_when_it_is_free(world) -> None:
    left = []
    world.door.when_left(lambda: left.append(world.door.occupied))
    with world.door.attended():
        assert world.door.occupied
        with world.door.attended():
            pass
        assert world.door.occupied and not left
    assert left == [False]


def test_where_somebody_always_stands_at_the_door_the_digest_goes_on(world, patiently) -> None:
    with world.door.attended():
        patiently(lambda: world.digested() and world.door.occupied_s > YIELD_S_MAX)
        with world.hub.write() as unit:
            unit.append(NewFact(120, 50, world.hub.node, {1: "note.n", 5: True}))
        patiently(world.digested)


def test_a_few_machines_backlogs_are_no_crowd(world, monkeypatch) -> None:
    monkeypatch.setattr("hub.link.door.DRAIN_S", 600.0)
    offers = []
    for n in range(CROWD_NODES):
        machine = world.machine()
        collect(machine.store, f"{n}", BACKLOG_FACTS)
        offers.append(Offer(batch_of(world, machine, LIVE, BACKLOG_FACTS), "mqtt", machine.node))
    assert not world.door.draining
    assert world.door.receive_many(offers[1:]).refused == [None] * (CROWD_NODES - 1)
    assert world.door.draining and not world.door.crowded
    world.door.receive_many(offers[:1])
    assert world.door.crowded


def test_one_machine_with_a_long_backlog_is_as_much_as_a_crowd(world, monkeypatch) -> None:
    monkeypatch.setattr("hub.link.door.DRAIN_S", 600.0)
    machine = world.machine()
    collect(machine.store, "1", BACKLOG_FACTS)
    piece = Offer(batch_of(world, machine, LIVE, BACKLOG_FACTS), "mqtt", machine.node)
    world.door.receive_many([piece] * (LONG_PIECES - 1))
    assert world.door.draining and not world.door.crowded
    world.door.receive_many([piece])
    assert world.door.crowded
