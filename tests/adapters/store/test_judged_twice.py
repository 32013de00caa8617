"""Two workers of one hub learn of the same fork at once: it is noted once, and neither stumbles."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from provisioning.making.cluster import Cluster
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.adapters.postgres.connection import connect
from sync.adapters.postgres.database import Postgres
from sync.adapters.sqlite_log import hub_lineage
from sync.adapters.sqlite_log.hub_store import HubStore, add_node
from sync.domain.fleet.facts import STREAM, STREAM_OPENED
from sync.kernel.fact import Fact
from sync.kernel.ids import CONTROL, FactId

NODE = "courier-twopasts"
PATIENCE_S = 60.0


@pytest.mark.row("H35.10")
def test_a_fork_that_two_workers_find_at_once_is_noted_once(cluster: Cluster, tmp_path: Path) -> None:
    url = cluster.new_tables()
    one, two = (
        HubStore(
            tmp_path / "hub.db", bytes(32), node="hub-aaaaaaaa", role="hub", clock=SystemClock(),
            entropy=SeededEntropy(n), database=Postgres(url),
        )
        for n in (1, 2)
    )  # fmt: skip
    for worker in (one, two):
        worker.start_incarnation("test")
    with one.write() as unit:
        add_node(
            unit, node=NODE, role="courier", name=NODE, signing_public=bytes(32), sealing_public=bytes(32),
            key_id=bytes(8), scopes=(), tls_serial=None, now_ms=0,
        )  # fmt: skip
        for incarnation in (21, 22):
            fact = Fact(STREAM_OPENED, 1, STREAM, NODE, {2: [], 3: 1, 4: "boot", 5: "test", 7: "start"}, 1)
            hub_lineage.opened(one, unit.conn, FactId(NODE, incarnation, CONTROL, 1), fact)
    found: list[bool] = []

    def second() -> None:
        with two.write() as unit:
            found.append(hub_lineage.learnt(two, unit, NODE, 22, opening=True))

    judge = connect(url, None, name="judge", writes=False)
    waiting = threading.Thread(target=second)
    try:
        with one.write() as unit:
            assert hub_lineage.learnt(one, unit, NODE, 22, opening=True)
            waiting.start()
            deadline = time.monotonic() + PATIENCE_S
            while not judge.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()[0]:
                assert time.monotonic() < deadline and waiting.is_alive(), "the second never came to the row"
                time.sleep(0.01)
        waiting.join(PATIENCE_S)
        assert found == [False], "the second saw that the first had noted it"
        with two.read() as conn:
            assert [(fork.incarnation, fork.line) for fork in hub_lineage.forks(conn, NODE)] == [(22, 1)]
    finally:
        waiting.join(PATIENCE_S)
        judge.close()
        one.close()
        two.close()
