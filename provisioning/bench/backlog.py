"""`backlog`: the rate at which a box drains with a million facts queued, against its rate with ten thousand.

Two boxes at one hub, in turn: one writes ten thousand collections and drains them; the other, with a million more
queued behind, drains as many and hangs up. The clock runs from the welcome to the signature for the last of them.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from provisioning.bench.cores import enrol_cores, open_core
from provisioning.bench.figures import RUNS, document, median
from provisioning.bench.site import BenchSite, bare_link, bench_site, talking, until, write_backlog
from sync.adapters.mqtt_link import MqttLink
from sync.adapters.sqlite_log import outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore

FACTS = 1_000_000
SAMPLE = 10_000


def run(*, runs: int = RUNS, facts: int = FACTS, sample: int = SAMPLE) -> dict[str, Any]:
    """Medians of `runs` drains of `sample` facts each, with `facts` queued behind and with none."""
    names: list[str] = []
    many: list[float] = []
    few: list[float] = []
    with tempfile.TemporaryDirectory(prefix="waystation-bench-") as name:
        herd = Path(name) / "herd"
        with bench_site(Path(name), lambda hub: names.extend(enrol_cores(hub, herd, 2))) as site:
            long = open_core(herd / names[0], names[0], 0, facts + runs * sample)
            short = open_core(herd / names[1], names[1])
            try:
                for n in range(runs):
                    write_backlog(short, facts + (runs + n) * sample, sample)
                    few.append(_rate(site, short, herd, sample))
                    until(lambda: site.lag() == 0)
                    many.append(_rate(site, long, herd, sample))
                    until(lambda: site.lag() == 0)
                queued = _waiting(long)
            finally:
                long.close()
                short.close()
    return document(
        "backlog",
        runs,
        ratios={"rate": median([a / b for a, b in zip(many, few, strict=True)])},
        figures={
            "facts_per_s": round(median(many)),
            "facts_per_s_of_each_run": [round(rate) for rate in many],
            "queued_at_the_end": queued,
            "sample": sample,
            "load_1_min": round(os.getloadavg()[0], 2),
        },
        baseline={
            "what": f"the same with {sample} queued and nothing behind",
            "facts_per_s": round(median(few)),
            "facts_per_s_of_each_run": [round(rate) for rate in few],
        },
    )


def _rate(site: BenchSite, store: ApplianceStore, herd: Path, sample: int) -> float:
    """Facts a second for at least the next `sample` facts of this box."""
    waited = _waiting(store)
    left = max(0, waited - sample)
    link = bare_link(store, site.settings, herd / store.node, MqttLink)
    with talking(link):
        began_s = time.monotonic()
        until(lambda: _waiting(store) <= left, step_s=0.002)
        took_s = time.monotonic() - began_s
        return (waited - _waiting(store)) / took_s


def _waiting(store: ApplianceStore) -> int:
    with store.read() as conn:
        written, signed = outbox.ledger(conn)
    return written - signed
