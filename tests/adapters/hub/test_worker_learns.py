"""A further worker on PostgreSQL takes in a machine that the hub forgot, though the first worker is gone."""

from __future__ import annotations

import random
import threading
from contextlib import closing
from pathlib import Path

import pytest

from appliance.link.wiring import make_link
from hub.link.learning import learn_again
from hub.projections import all_projectors
from provisioning.bench.site import joined_box
from provisioning.demo.fleet import NodeProcess, stop_all
from provisioning.making.client import HubClient
from provisioning.making.cluster import Cluster
from provisioning.making.directories import make_hub
from provisioning.trust.broker import end_left_behind
from provisioning.trust.node_keys import load_keys
from provisioning.trust.site import open_site
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.postgres.connection import PostgresConnection, connect
from sync.adapters.postgres.database import by_settings
from sync.adapters.sqlite_log.hub_store import HubStore
from tests.adapters.hub.test_many_workers import PASSWORD, acknowledged, scan
from tests.waiting import until

TOGETHER = 20


@pytest.mark.row("H01.2")
def test_a_machine_that_was_forgotten_is_learnt_without_the_first_worker(tmp_path: Path, cluster: Cluster) -> None:
    url, folder = cluster.new_tables(), tmp_path / "hub"
    settings = {"store": {"url": url}}
    make_hub(folder, site="site", name="", hosts=(), admin="u-admin", password=PASSWORD, settings=settings)
    workers = [NodeProcess("hub", folder, worker=n) for n in (1, 2)]
    try:
        client = HubClient(str(workers[0].start()["base_url"]))
        client.sign_in({"user": "u-admin", "password": PASSWORD})
        store, told = joined_box(tmp_path / "box", client)
        workers[1].start()
        workers[0].kill()  # its broker outlives it, as one on another machine would
        with connect_to(url) as conn:
            conn.execute("DELETE FROM node")  # the tables were put back to before the machine came
        scan(store, 0, 1)
        link = make_link(store, told, load_keys(tmp_path / "box" / "keys"), software="t", draw=random.Random(1).random)
        assert link is not None
        link.start()
        try:
            until(lambda: acknowledged(store), said="nobody took the machine in")
        finally:
            link.stop()
            store.close()
        with connect_to(url) as conn:
            assert conn.execute("SELECT node, state FROM node").fetchall() == [(store.node, "known")]
        learn_together(url, folder, (tmp_path / "box" / "keys" / "identity.way").read_bytes())
    finally:
        stop_all(workers)
        end_left_behind(folder / "broker")


def learn_together(url: str, folder: Path, record: bytes) -> None:
    """Two workers are shown the record at once, again and again; one row comes of it, and no fault."""
    trust = open_site(folder / "keys")
    stores = [
        HubStore(
            folder / "data" / "node.db", trust.keys.store, node=trust.hub, role="hub", clock=SystemClock(),
            entropy=SystemEntropy(), projectors=all_projectors(trust.keys.store), suite=trust.suite,
            database=by_settings(url, "", name=f"test-{n}"),
        )
        for n in range(2)
    ]  # fmt: skip
    learnt: list[bool] = []
    gate = threading.Barrier(len(stores) + 1)

    def learn(store: HubStore) -> None:
        for _ in range(TOGETHER):
            gate.wait(60)
            learnt.append(learn_again(store, trust, record))
            gate.wait(60)

    threads = [threading.Thread(target=learn, args=(store,), daemon=True) for store in stores]
    for thread in threads:
        thread.start()
    for _ in range(TOGETHER):
        with connect_to(url) as conn:
            conn.execute("DELETE FROM node")
        gate.wait(60)
        gate.wait(60)
        with connect_to(url) as conn:
            assert conn.execute("SELECT count(*) FROM node").fetchone()[0] == 1
    for thread in threads:
        thread.join(60)
    for store in stores:
        store.close()
    assert learnt == [True] * (2 * TOGETHER)


def connect_to(url: str) -> closing[PostgresConnection]:
    return closing(connect(url, None, name="test", writes=True))
