"""Several workers of one hub on one PostgreSQL: whoever takes a batch, it counts once, and one of them digests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioning.making.cluster import Cluster
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.adapters.postgres.connection import connect
from sync.adapters.postgres.database import Postgres
from sync.adapters.sqlite_log import digest, hub_inbound
from sync.adapters.sqlite_log.hub_feeds import Feeds
from sync.adapters.sqlite_log.hub_inbound import Arrival
from sync.adapters.sqlite_log.hub_store import HubStore, add_node
from sync.domain.tracking import facts
from sync.kernel.chain import Chain
from sync.kernel.codec import encode_fact
from sync.kernel.fact import Fact
from sync.kernel.ids import LIVE, StreamId
from sync.kernel.outcome import Unavailable
from sync.kernel.suite import suite1

HUB, BOX, OTHER = "hub-aaaaaaaa", "courier-aaaaaaaa", "courier-bbbbbbbb"
PATIENCE_S = 60.0


class Workers:
    """Opens workers of one hub."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._made: list[HubStore] = []

    def open(self) -> tuple[HubStore, Feeds]:
        n = len(self._made)
        store = HubStore(
            Path(),
            bytes(32),
            node=HUB,
            role="hub",
            clock=SystemClock(),
            entropy=SeededEntropy(n),
            database=Postgres(self._url, name=f"w{n + 1}"),
        )
        store.start_incarnation("test")
        self._made.append(store)
        return store, Feeds(store)

    def close(self) -> None:
        for store in self._made:
            store.close()


@pytest.fixture
def workers(cluster: Cluster) -> Iterator[Workers]:
    made = Workers(cluster.new_tables())
    first, _ = made.open()
    with first.write() as unit:
        for node in (BOX, OTHER):
            add_node(
                unit,
                node=node,
                role="courier",
                name=node,
                signing_public=bytes(32),
                sealing_public=bytes(32),
                key_id=node.encode()[-8:],
                scopes=("site:stays",),
                tls_serial=None,
                now_ms=0,
            )
    yield made
    made.close()


def batch(node: str, first: int, count: int, prev: bytes = bytes(32)) -> Arrival:
    """Collections by a box, `count` from seq `first` on."""
    stream = StreamId(node, 7, LIVE)
    items = [_collected(node, seq) for seq in range(first, first + count)]
    hashes = Chain(suite1.hasher, *stream).extend(first, prev, [suite1.hash(item) for item in items])
    return Arrival(stream, first, prev, items, frozenset(), hashes, bytes(224), b"")


def _collected(node: str, seq: int) -> bytes:
    new = facts.collected(
        facts.stay_key(f"{10_000_000 + seq}", "1"),
        round_key=f"{node}.00000001",
        ward="W01",
        verdict="good",
        how="gun",
        read_no=f"{10_000_000 + seq}",
        at_ms=seq,
        list_as_of_ms=0,
    )
    return encode_fact(Fact(new.kind, 1, new.etype, new.key, new.body, (1 << 40) + seq, 1))


def together(*calls: Callable[[], object]) -> None:
    """Run at once; what one raises is raised here."""
    faults: list[BaseException] = []

    def guarded(call: Callable[[], object]) -> None:
        try:
            call()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=guarded, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    if faults:
        raise faults[0]


def digest_all(store: HubStore, feeds: Feeds) -> None:
    while digest.digest_some(store, feeds, limit=7).behind:
        pass


def collected(store: HubStore) -> int:
    with store.read() as conn:
        rows = conn.execute("SELECT key FROM entity WHERE etype = ? ORDER BY key", (facts.STAY,)).fetchall()
    return sum(len(store.state(facts.STAY, row[0]).collections) for row in rows)


def test_the_same_batches_at_two_workers_count_once(workers: Workers) -> None:
    """In both orders of nodes, new streams included: neither waits for the other in a circle."""
    (one, feeds), (two, _) = workers.open(), workers.open()
    prev = {BOX: bytes(32), OTHER: bytes(32)}
    for first in range(1, 200, 10):
        batches = [batch(node, first, 10, prev[node]) for node in (BOX, OTHER)]
        taken: list[str] = []

        def take(store: HubStore, offered: list[Arrival], taken: list[str] = taken) -> None:
            taken.extend(outcome.verdict for outcome, _ in hub_inbound.accept_many(store, offered))

        together(lambda b=batches: take(one, b), lambda b=batches: take(two, b[::-1]))
        assert sorted(taken) == ["appended", "appended", "duplicate", "duplicate"]
        prev = {each.stream.node: each.hashes[-1] for each in batches}
    digest_all(one, feeds)
    assert hub_inbound.undigested(two) == 0
    assert collected(two) == 400


def test_a_run_committed_after_a_later_one_is_digested_too(workers: Workers) -> None:
    (one, _), (two, feeds) = workers.open(), workers.open()
    begun, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        with one.write() as unit:
            assert hub_inbound._place(one, unit, batch(BOX, 1, 3)).verdict == "appended"
            begun.set()
            assert go_on.wait(PATIENCE_S)

    def overtake() -> None:
        assert begun.wait(PATIENCE_S)
        hub_inbound.accept(two, batch(OTHER, 1, 3))
        digest_all(two, feeds)
        go_on.set()

    together(slowly, overtake)
    digest_all(two, feeds)
    assert collected(two) == 6


def test_one_worker_digests_until_it_ends_and_another_goes_on(workers: Workers) -> None:
    (one, its), (two, others) = workers.open(), workers.open()
    early = batch(BOX, 1, 30)
    hub_inbound.accept(two, early)
    digest_all(one, its)
    hub_inbound.accept(one, batch(OTHER, 1, 1))
    assert digest.digest_some(two, others).facts == 0, "the turn is the other's"
    digest_all(one, its)
    one.close()
    hub_inbound.accept(two, batch(BOX, 31, 30, early.hashes[-1]))
    digest_all(two, others)
    assert collected(two) == 61
    feed_is_whole(two, others)


def test_a_worker_that_lost_its_turn_forgets_what_it_held(workers: Workers, cluster: Cluster) -> None:
    (one, its), (two, others) = workers.open(), workers.open()
    early = batch(BOX, 1, 30)
    hub_inbound.accept(one, early)
    digest_all(one, its)
    end_sessions(cluster, one)
    hub_inbound.accept(two, batch(BOX, 31, 30, early.hashes[-1]))
    digest_all(two, others)
    end_sessions(cluster, two)
    hub_inbound.accept(one, batch(OTHER, 1, 1))
    digest_all(one, its)
    assert collected(one) == 61
    feed_is_whole(one, its)


def feed_is_whole(store: HubStore, feeds: Feeds) -> None:
    """Numbers without a gap, and set hashes in memory as the tables have them."""
    with store.read() as conn:
        head = feeds.heads(conn, ["site:stays"])[0]
        assert feeds.values(conn, "site:stays", head.sseq) == feeds._values_from(conn, "site:stays")
        rows = conn.execute("SELECT sseq FROM feed_entry WHERE label = 'site:stays' ORDER BY sseq").fetchall()
    assert [row[0] for row in rows] == list(range(1, head.sseq + 1))


def end_sessions(cluster: Cluster, store: HubStore) -> None:
    """As when the database server is started anew: every connection of this worker is gone."""
    other = connect(cluster.url(), None, name="other", writes=True)
    pid = store._conn.execute("SELECT pg_backend_pid()").fetchone()[0]
    other.execute("SELECT pg_terminate_backend(?::int, 10000)", (pid,))
    other.close()
    with pytest.raises(Unavailable), store.write() as unit:
        unit.append(facts.sealed(facts.stay_key("10999999", "1"), "why"))


def test_a_database_that_ends_sessions_costs_a_unit_and_no_fact(workers: Workers, cluster: Cluster) -> None:
    """What the writer kept in memory of its streams is read back: the next fact follows the last one."""
    one, feeds = workers.open()
    with one.write() as unit:
        unit.append(facts.sealed(facts.stay_key("10000001", "1"), "why"))
    end_sessions(cluster, one)
    with one.write() as unit:
        unit.append(facts.sealed(facts.stay_key("10000003", "1"), "why"))
    digest_all(one, feeds)
    assert one.state(facts.STAY, "10000003-1").sealed and one.state(facts.STAY, "10999999-1") is None


def test_readers_that_died_are_replaced(workers: Workers, cluster: Cluster) -> None:
    """A reader that breaks in use is said to be unavailable; idle ones that broke are noticed by nobody."""
    one, _ = workers.open()
    with one.read(), one.read():
        pass
    other = connect(cluster.url(), None, name="other", writes=True)
    ending = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'w2'"
    other.execute(ending)
    assert one.state(facts.STAY, "10000001-1") is None
    with pytest.raises(Unavailable, match=r"store\.read"), one.read() as conn:
        other.execute(ending)
        conn.execute("SELECT 1")
    other.close()
    assert one.state(facts.STAY, "10000001-1") is None
