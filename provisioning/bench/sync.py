"""`sync`: facts from a box to the hub, durable there and acknowledged here, over a real mosquitto with TLS.

The hub is a process of its own with its broker, made and joined as `waystation provision` does it; the box's own
session runs here. A backlog is written, then the line opens; the clock runs from the welcome to the moment at which
the box holds the hub's signature for the last fact. Between runs the hub digests, so that no run pays for the one
before it. Beside each run, in turn: the ceiling, 500-row transactions into plain SQLite, WAL and FULL; and PouchDB's
push of as many documents to a server of its own.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from provisioning.bench.baselines.pouch import Pouch
from provisioning.bench.commits import events, insert_rate
from provisioning.bench.figures import RUNS, document, median
from provisioning.bench.site import BenchSite, bench_site, until, write_backlog
from sync.adapters.sqlite_log.appliance_store import ApplianceStore

FACTS = 20_000
SMALL_BYTES = 115
"""About what a collection takes in the log. The ceiling's own rows have 300, as in the figures others quote."""


def run(*, runs: int = RUNS, facts: int = FACTS) -> dict[str, Any]:
    """Medians of `runs` runs of `facts` facts each. Rates in facts and rows a second."""
    rows, small = events(facts), events(facts, SMALL_BYTES)
    with (
        tempfile.TemporaryDirectory(prefix="waystation-bench-") as name,
        Pouch(Path(name) / "pouch", rows) as pouch,
        bench_site(Path(name)) as site,
    ):
        rates: list[float] = []
        ceilings: list[float] = []
        small_ceilings: list[float] = []
        calls_s: list[float] = []
        digests_s: list[float] = []
        pushes: list[float] = []
        for n in range(runs):
            write_backlog(site.store, n * facts, facts)
            ceilings.append(insert_rate(Path(name) / "ceiling.db", rows))
            small_ceilings.append(insert_rate(Path(name) / "ceiling.db", small))
            call_s, drain_s = drain(site)
            calls_s.append(call_s)
            rates.append(facts / drain_s)
            began_s = time.monotonic()
            until(lambda: site.lag() == 0)
            digests_s.append(drain_s + time.monotonic() - began_s)
            pushes.append(facts / pouch.push_s())
        fact_bytes = _fact_bytes(site.store)
    return document(
        "sync",
        runs,
        ratios={
            "vs_pouchdb": median([a / b for a, b in zip(rates, pushes, strict=True)]),
            "vs_sqlite": median([a / b for a, b in zip(rates, ceilings, strict=True)]),
            "vs_sqlite_small_rows": median([a / b for a, b in zip(rates, small_ceilings, strict=True)]),
        },
        figures={
            "facts_per_s": round(median(rates)),
            "facts_per_s_of_each_run": [round(rate) for rate in rates],
            "facts": facts,
            "fact_bytes": fact_bytes,
            "call_s": round(median(calls_s), 3),
            "digested_per_s": round(facts / median(digests_s)),
            "load_1_min": round(os.getloadavg()[0], 2),
        },
        baseline={
            "what": "500-row transactions of 300-byte events, plain SQLite, WAL, synchronous=FULL; PouchDB 9 pushing "
            "the same events to express-pouchdb, both on leveldb, 1,000 a batch",
            "pouchdb_docs_per_s": round(median(pushes)),
            "rows_per_s": round(median(ceilings)),
            "small_rows_per_s": round(median(small_ceilings)),
            "small_row_bytes": SMALL_BYTES,
        },
    )


def drain(site: BenchSite) -> tuple[float, float]:
    """Seconds from the call to the welcome, and from there until everything is acknowledged."""
    began_s = time.monotonic()
    with site.line():
        welcomed_s = time.monotonic()
        until(site.acknowledged, step_s=0.005)
        return welcomed_s - began_s, time.monotonic() - welcomed_s


def _fact_bytes(store: ApplianceStore) -> int:
    with store.read() as conn:
        return round(conn.execute("SELECT avg(length(fact)) FROM log").fetchone()[0])
