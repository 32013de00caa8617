"""`sync`: facts from a box to the hub, durable there and acknowledged here, over a real mosquitto with TLS.

The hub is a process of its own with its broker, made and joined as `waystation provision` does it; the box's own
session runs here. A backlog is written, then the line opens; the clock runs from the welcome to the moment at which
the box holds the hub's signature for the last fact. Between runs the hub digests, so that no run pays for the one
before it. The ceiling of each run is measured just before it: 500-row transactions into plain SQLite, WAL and FULL.
"""

from __future__ import annotations

import random
import re
import secrets
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appliance.link.wiring import make_link
from appliance.projections import folded_projectors
from appliance.settings import Settings
from provisioning.bench.box import WARD, record_no
from provisioning.bench.commits import events, insert_rate
from provisioning.bench.figures import RUNS, document, median
from provisioning.demo.fleet import NodeProcess
from provisioning.making.client import HubClient
from provisioning.making.directories import enrol_box, make_hub
from provisioning.trust.node_keys import load_keys
from sync.adapters import settings_file
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.sqlite_log import outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.domain.tracking import facts as tracking
from sync.protocol.states import TALKING

FACTS = 20_000
FACTS_A_COMMIT = 500
SMALL_BYTES = 115
"""About what a collection takes in the log. The ceiling's own rows have 300, as in the figures others quote."""
PATIENCE_S = 300.0
ADMIN = "u-admin"


def run(*, runs: int = RUNS, facts: int = FACTS) -> dict[str, Any]:
    """Medians of `runs` runs of `facts` facts each. Rates in facts and rows a second."""
    with (
        tempfile.TemporaryDirectory(prefix="waystation-bench-") as name,
        _site(Path(name)) as (base_url, box, settings),
    ):
        rows, small = events(facts), events(facts, SMALL_BYTES)
        rates: list[float] = []
        ceilings: list[float] = []
        small_ceilings: list[float] = []
        calls_s: list[float] = []
        digests_s: list[float] = []
        for n in range(runs):
            _write(box, n * facts, facts)
            ceilings.append(insert_rate(Path(name) / "ceiling.db", rows))
            small_ceilings.append(insert_rate(Path(name) / "ceiling.db", small))
            call_s, drain_s = _drain(box, settings, Path(name))
            calls_s.append(call_s)
            rates.append(facts / drain_s)
            began_s = time.monotonic()
            _until(lambda: _lag(base_url) == 0)
            digests_s.append(drain_s + time.monotonic() - began_s)
        fact_bytes = _fact_bytes(box)
    return document(
        "sync",
        runs,
        ratios={
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
        },
        baseline={
            "what": "500-row transactions of 300-byte events, plain SQLite, WAL, synchronous=FULL",
            "rows_per_s": round(median(ceilings)),
            "small_rows_per_s": round(median(small_ceilings)),
            "small_row_bytes": SMALL_BYTES,
        },
    )


@contextmanager
def _site(folder: Path) -> Iterator[tuple[str, ApplianceStore, Settings]]:
    """A running hub's address, and a courier's box that has joined it."""
    password = secrets.token_urlsafe(9)
    make_hub(folder / "hub", site="site", name="", hosts=(), admin=ADMIN, password=password)
    hub = NodeProcess("hub", folder / "hub")
    base_url = str(hub.start()["base_url"])
    try:
        client = HubClient(base_url)
        client.sign_in({"user": ADMIN, "password": password})
        client.put(f"/api/v1/wards/{WARD}", {"name_zh": "一病区", "name_en": "Ward 1", "limit_days": 2})
        card = client.post("/api/v1/cards", {"role": "courier", "name": "bench", "wards": [WARD]})
        enrol_box(folder / "box", card["card"])
        settings = settings_file.load(Settings, folder / "box" / "settings.toml", {})
        (folder / "box" / "data").mkdir(mode=0o700)
        store = ApplianceStore(
            folder / "box" / "data" / "node.db", load_keys(folder / "box" / "keys").store, node=settings.node.node,
            role=settings.node.role, clock=SystemClock(), entropy=SystemEntropy(), projectors=folded_projectors(),
        )  # fmt: skip
        try:
            store.start_incarnation("bench")
            yield base_url, store, settings
        finally:
            store.close()
    finally:
        hub.stop()


def _write(store: ApplianceStore, first: int, count: int) -> None:
    """A backlog of collections, as couriers' boxes write them."""
    round_key = f"{store.node}.{first:08x}"
    for at in range(first, first + count, FACTS_A_COMMIT):
        with store.write(actor="u-luo", device="gun-1") as unit:
            for n in range(at, min(at + FACTS_A_COMMIT, first + count)):
                number = record_no(n)
                unit.append(
                    tracking.collected(
                        tracking.stay_key(number, "1"), round_key=round_key, ward=WARD, verdict="good", how="gun",
                        read_no=number, at_ms=store.clock.wall_ms(), list_as_of_ms=0,
                    )
                )  # fmt: skip


def _drain(store: ApplianceStore, settings: Settings, folder: Path) -> tuple[float, float]:
    """Seconds from the call to the welcome, and from there until everything is acknowledged."""
    link = make_link(
        store, settings, load_keys(folder / "box" / "keys"), software="bench", draw=random.Random(1).random
    )
    assert link is not None
    began_s = time.monotonic()
    link.start()
    try:
        _until(lambda: link.state == TALKING, step_s=0.001)
        welcomed_s = time.monotonic()
        _until(lambda: _acknowledged(store), step_s=0.005)
        return welcomed_s - began_s, time.monotonic() - welcomed_s
    finally:
        link.stop()


def _acknowledged(store: ApplianceStore) -> bool:
    with store.read() as conn:
        written, signed = outbox.ledger(conn)
    return written == signed


def _fact_bytes(store: ApplianceStore) -> int:
    with store.read() as conn:
        return round(conn.execute("SELECT avg(length(fact)) FROM log").fetchone()[0])


def _lag(base_url: str) -> int:
    """Facts that the hub holds and has not digested."""
    with urllib.request.urlopen(f"{base_url}/metrics", timeout=30) as answer:
        found = re.search(rb"digest_lag_facts (\d+)", answer.read())
    assert found is not None, "the hub does not tell its lag"
    return int(found[1])


def _until(true: Callable[[], bool], step_s: float = 0.05) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "the line brought nothing"
        time.sleep(step_s)
