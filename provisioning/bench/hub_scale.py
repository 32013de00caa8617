"""`hub-scale`: the same backlogs through one worker of a hub and through several, on one durable PostgreSQL.

Each round makes a new hub on empty tables, starts its workers, and lets boxes with a backlog talk to its broker at
once; the clock runs from the first line to the last acknowledgement, and on until everything is digested. Processor
time is that of the hub's own processes until everything is digested, read from the system; PostgreSQL's is told beside
it, and how much of the hub's was that of the workers after the first. A lock wait is a moment at which pg_stat_activity
shows a worker's session active and waiting for a lock; its share is that of such moments among all that were looked at,
times the workers. Baseline: one worker, in turn.
"""

from __future__ import annotations

import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioning.bench.figures import document, median
from provisioning.bench.processor import processor_s
from provisioning.bench.site import ADMIN, bare_link, joined_box, until, write_backlog
from provisioning.demo.fleet import NodeProcess, stop_all
from provisioning.making.client import HubClient
from provisioning.making.cluster import Cluster
from provisioning.making.directories import make_hub
from sync.adapters.mqtt_link import MqttLink
from sync.adapters.postgres.connection import PostgresConnection, connect
from sync.adapters.sqlite_log import outbox
from sync.domain.tracking.facts import STAY

WORKERS = 4
BOXES = 8
FACTS = 16_000
ROUNDS = 3
LOOK_S = 0.02
PASSWORD = "bench only"


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds of one round, and what it cost. `further_cpu_s`: of workers after the first. `lock_share`: of all."""

    acked_s: float
    digested_s: float
    hub_cpu_s: float
    further_cpu_s: float
    postgres_cpu_s: float
    lock_share: float
    once: bool


def run(*, runs: int = ROUNDS, facts: int = FACTS, boxes: int = BOXES) -> dict[str, Any]:
    """Medians of `runs` rounds with one worker and as many with four; `facts` in all, over `boxes`."""
    cluster = Cluster(durable=True)
    try:
        cluster.start()
        rounds: dict[int, list[Round]] = {1: [], WORKERS: []}
        for _ in range(runs):
            for workers, done in rounds.items():
                with tempfile.TemporaryDirectory(prefix="waystation-bench-") as name:
                    done.append(_once(Path(name), cluster.new_tables(), workers, facts // boxes, boxes))
    finally:
        cluster.stop()
    total = facts // boxes * boxes
    one, many = rounds[1], rounds[WORKERS]
    return document(
        "hub-scale",
        runs,
        ratios={
            "speedup": median([a.acked_s / b.acked_s for a, b in zip(one, many, strict=True)]),
            "speedup_digested": median([a.digested_s / b.digested_s for a, b in zip(one, many, strict=True)]),
            "cpu_per_fact": median([b.hub_cpu_s / a.hub_cpu_s for a, b in zip(one, many, strict=True)]),
        },
        figures={
            "exactly_once": all(each.once for each in (*one, *many)),
            "lock_wait_share": round(max(each.lock_share for each in many), 4),
            "workers": WORKERS,
            "facts": total,
            "boxes": boxes,
            **_figures(many, total),
        },
        baseline={
            "what": "one worker on the same PostgreSQL, fsync on",
            "lock_wait_share": round(max(each.lock_share for each in one), 4),
            **_figures(one, total),
        },
    )


def _figures(rounds: list[Round], facts: int) -> dict[str, Any]:
    return {
        "facts_per_s": round(median([facts / each.acked_s for each in rounds])),
        "digested_per_s": round(median([facts / each.digested_s for each in rounds])),
        "hub_cpu_us_per_fact": round(median([each.hub_cpu_s / facts * 1e6 for each in rounds])),
        "further_workers_cpu_us_per_fact": round(median([each.further_cpu_s / facts * 1e6 for each in rounds])),
        "postgres_cpu_us_per_fact": round(median([each.postgres_cpu_s / facts * 1e6 for each in rounds])),
    }


def _once(folder: Path, url: str, workers: int, facts: int, boxes: int) -> Round:
    hub = folder / "hub"
    make_hub(hub, site="site", name="", hosts=(), admin=ADMIN, password=PASSWORD, settings={"store": {"url": url}})
    processes = [NodeProcess("hub", hub, worker=n) for n in range(1, workers + 1)]
    with ExitStack() as ending:
        ending.callback(stop_all, processes)
        base_url = str(processes[0].start()["base_url"])
        for process in processes[1:]:
            process.start()
        client = HubClient(base_url)
        client.sign_in({"user": ADMIN, "password": PASSWORD})
        stores, links = [], []
        for n in range(boxes):
            store, settings = joined_box(folder / f"box-{n}", client)
            ending.callback(store.close)
            write_backlog(store, n * facts, facts)
            stores.append(store)
            links.append(bare_link(store, settings, folder / f"box-{n}" / "keys", MqttLink, seed=n))
        judge = connect(url, None, name="judge", writes=False)
        ending.callback(judge.close)
        watch = _Watch(url, workers)
        cpu_s, further_s, postgres_s = _cpu_of(processes), _cpu_of(processes[1:]), _cpu_of_sessions(judge)
        began_s = time.monotonic()
        for link in links:
            ending.callback(link.stop)
            link.start()
        until(lambda: all(_acknowledged(store) for store in stores))
        acked_s = time.monotonic() - began_s
        until(lambda: judge.execute("SELECT count(*) FROM undigested").fetchone() == (0,))
        digested_s = time.monotonic() - began_s
        lock_share = watch.stop()
        cpu_s, further_s = _cpu_of(processes) - cpu_s, _cpu_of(processes[1:]) - further_s
        postgres_s = _cpu_of_sessions(judge) - postgres_s
        once = _once_each(judge, facts * boxes)
        return Round(acked_s, digested_s, cpu_s, further_s, postgres_s, lock_share, once)


def _acknowledged(store: Any) -> bool:
    with store.read() as conn:
        written, signed = outbox.ledger(conn)
    return bool(written == signed)


def _once_each(judge: PostgresConnection, facts: int) -> bool:
    """Every collection is in the history of its record, once, and every feed is without a gap."""
    found = judge.execute(
        "SELECT count(*), count(DISTINCT (stream, seq)) FROM entity_fact WHERE etype = ?", (STAY,)
    ).fetchone()
    gaps = judge.execute(
        "SELECT f.label FROM feed f WHERE f.sseq <> (SELECT count(*) FROM feed_entry e WHERE e.label = f.label)"
    ).fetchall()
    return found == (facts, facts) and not gaps


class _Watch:
    """Looks at the workers' sessions while a round runs."""

    def __init__(self, url: str, workers: int) -> None:
        self._conn = connect(url, None, name="watch", writes=False)
        self._workers = workers
        self._ending = threading.Event()
        self._looks = self._waits = 0
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._ending.wait(LOOK_S):
            waiting = self._conn.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND wait_event_type = 'Lock' "
                "AND application_name LIKE 'hub-%'"
            ).fetchone()
            self._looks += 1
            self._waits += waiting[0] if waiting else 0

    def stop(self) -> float:
        """The share of the workers' time that went into waiting for locks."""
        self._ending.set()
        self._thread.join()
        self._conn.close()
        return self._waits / max(1, self._looks * self._workers)


def _cpu_of(processes: list[NodeProcess]) -> float:
    return sum(processor_s(process.pid) for process in processes)


def _cpu_of_sessions(judge: PostgresConnection) -> float:
    rows = judge.execute("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'hub-%'").fetchall()
    return sum(processor_s(row[0]) for row in rows)
