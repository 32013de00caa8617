"""A hub of several worker processes on one PostgreSQL, one of them killed in the middle of the work."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.link.letters import Letters
from appliance.link.trust_book import BoxKeys, TrustBook
from appliance.link.wiring import make_link
from appliance.settings import Settings
from hub.__main__ import main
from provisioning.bench.box import WARD, record_no
from provisioning.bench.site import joined_box
from provisioning.demo.fleet import NodeProcess, stop_all
from provisioning.making.client import HubClient
from provisioning.making.cluster import Cluster
from provisioning.making.directories import make_hub
from provisioning.trust.broker import end_left_behind
from provisioning.trust.node_keys import load_keys
from sync.adapters.carrier import client_context
from sync.adapters.mqtt_link import ROOT, batch_topic, hang_up, new_client
from sync.adapters.postgres.connection import connect
from sync.adapters.sqlite_log import outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.domain.tracking import facts
from sync.kernel.suite import suite1
from sync.protocol import lease as words
from sync.protocol.lease import Ask
from tests.waiting import until

PASSWORD = "invented password"
WORKERS = 4
BOXES = 4
FACTS = 300
PATIENCE_S = 240.0


@pytest.fixture
def hub(tmp_path: Path, cluster: Cluster) -> Iterator[tuple[str, str, list[NodeProcess]]]:
    """(address, database, processes: the first worker first)."""
    url = cluster.new_tables()
    folder = tmp_path / "hub"
    make_hub(
        folder, site="site", name="", hosts=(), admin="u-admin", password=PASSWORD, settings={"store": {"url": url}}
    )
    workers = [NodeProcess("hub", folder, worker=n) for n in range(1, WORKERS + 1)]
    try:
        told = workers[0].start()
        for worker in workers[1:]:
            worker.start()
        yield str(told["base_url"]), url, workers
    finally:
        stop_all(workers)
        end_left_behind(folder / "broker")


@pytest.fixture
def boxes(tmp_path: Path, hub: tuple[str, str, list[NodeProcess]]) -> Iterator[list[tuple[ApplianceStore, Settings]]]:
    client = HubClient(hub[0])
    client.sign_in({"user": "u-admin", "password": PASSWORD})
    made = [joined_box(tmp_path / f"box-{n}", client) for n in range(BOXES)]
    yield made
    for store, _ in made:
        store.close()


def scan(store: ApplianceStore, box: int, n: int) -> None:
    number = record_no(box * 100_000 + n)
    with store.write(actor="u-luo", device="gun-1") as unit:
        unit.append(
            facts.collected(
                facts.stay_key(number, "1"), round_key=f"{store.node}.00000001", ward=WARD, verdict="good", how="gun",
                read_no=number, at_ms=store.clock.wall_ms(), list_as_of_ms=0,
            )
        )  # fmt: skip


def acknowledged(store: ApplianceStore) -> bool:
    with store.read() as conn:
        written, signed = outbox.ledger(conn)
    return bool(written == signed)


def test_a_hub_on_a_file_has_one_worker(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_hub(tmp_path / "hub", site="site", name="", hosts=(), admin="u-admin", password=PASSWORD)
    assert main(["--dir", str(tmp_path / "hub"), "--worker", "2"]) == 1
    assert "[store] url" in capsys.readouterr().err


def test_an_ask_is_answered_whichever_worker_got_it(
    tmp_path: Path, hub: tuple[str, str, list[NodeProcess]], boxes: list[tuple[ApplianceStore, Settings]]
) -> None:
    """The broker hands asks around; the numbers granted come of one hand and never overlap."""
    store, settings = boxes[0]
    keys = load_keys(tmp_path / "box-0" / "keys")
    node = settings.node.node
    book = TrustBook(
        BoxKeys(node, keys.signing, suite=suite1), (keys.folder / "trust.way").read_bytes(), lambda raw: None
    )
    letters = Letters(store, book, "test")
    heard: list[bytes] = []
    tls = client_context(keys.ca_path, keys.tls_certificate_path, keys.tls_key_path, settings.hub.server_name)
    client = new_client(node, tls, queue_max=0)
    client.on_message = lambda _client, _data, told: heard.append(told.payload)
    client.connect(settings.hub.mqtt_host, settings.hub.mqtt_port)
    client.loop_start()
    try:
        until(client.is_connected, said="the broker lets nobody in")
        client.subscribe(batch_topic(node), 1)
        for n in range(1, 3 * WORKERS + 1):
            ask = Ask(n, words.WANT, store.incarnation, words.NUMBER, f"ticket:{n % 2}", 5)
            client.publish(f"{ROOT}/n/{node}/up/batch", letters.ask(ask), qos=1)
            until(lambda n=n: len(heard) >= n, said=f"ask {n} was not answered")
    finally:
        hang_up(client)
    said = [words.LeaseWord.read(book.open(raw).body) for raw in heard]
    blocks = sorted((one.lease.resource, one.lease.first, one.lease.last) for one in said if one.lease is not None)
    assert len(blocks) > 1
    for one, after in itertools.pairwise(blocks):
        assert one[0] != after[0] or one[2] < after[1]


@pytest.mark.parametrize("killed", [0, 1], ids=["the one that digests", "another"])
@pytest.mark.row("H01.2")
def test_one_killed_in_mid_run_costs_nothing(
    tmp_path: Path, hub: tuple[str, str, list[NodeProcess]], boxes: list[tuple[ApplianceStore, Settings]], killed: int
) -> None:
    """Everything produced is received, once, in whole chains, and in feeds without a gap.

    The first worker's broker outlives it, as one on another machine would; what it alone does waits for its next start.
    """
    _, url, workers = hub
    links = []
    for n, (store, settings) in enumerate(boxes):
        link = make_link(
            store, settings, load_keys(tmp_path / f"box-{n}" / "keys"), software="test", draw=random.Random(n).random
        )
        assert link is not None
        links.append(link)
        link.start()
    conn = connect(url, None, name="judge", writes=False)

    def held() -> int:
        rows = conn.execute("SELECT count(*) FROM log l JOIN stream s ON s.id = l.stream WHERE s.own = 0")
        return int(rows.fetchone()[0])

    try:
        for n in range(FACTS):
            for box, (store, _) in enumerate(boxes):
                scan(store, box, n)
            if n == FACTS // 3:
                until(lambda: held() > BOXES * 10, said="nothing arrived")
                workers[killed].kill()
        until(lambda: all(acknowledged(store) for store, _ in boxes), said="not everything was signed for")
        until(
            lambda: conn.execute("SELECT count(*) FROM undigested").fetchone()[0] == 0, said="the digest stands still"
        )
    finally:
        for link in links:
            link.stop()
    took = conn.execute("SELECT count(DISTINCT incarnation) FROM stream WHERE own = 1").fetchone()[0]
    assert took >= WORKERS
    for store, _ in boxes:
        with store.read() as own:
            written = own.execute(
                "SELECT s.incarnation, s.lane, l.seq, l.h FROM log l JOIN stream s ON s.id = l.stream "
                "WHERE s.own = 1 ORDER BY 1, 2, 3"
            ).fetchall()
        received = conn.execute(
            "SELECT s.incarnation, s.lane, l.seq, l.h FROM log l JOIN stream s ON s.id = l.stream "
            "WHERE s.node = ? ORDER BY 1, 2, 3",
            (store.node,),
        ).fetchall()
        assert [tuple(row) for row in written] == received
    once = conn.execute(
        "SELECT count(*), count(DISTINCT (stream, seq)) FROM entity_fact WHERE etype = ?", (facts.STAY,)
    ).fetchone()
    assert once == (BOXES * FACTS, BOXES * FACTS)
    for label, sseq, entries in conn.execute(
        "SELECT f.label, f.sseq, (SELECT count(*) FROM feed_entry e WHERE e.label = f.label) FROM feed f ORDER BY 1"
    ).fetchall():
        assert entries == sseq, label
    conn.close()
