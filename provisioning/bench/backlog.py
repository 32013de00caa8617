"""`backlog`: the rate at which a box drains with a million facts queued, against its rate with ten thousand.

Two boxes at one hub, in turn: one writes ten thousand collections and drains them; the other, with a million more
queued behind, drains as many and hangs up. The clock runs from the welcome to the signature for the last of them.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

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
    many: list[Drain] = []
    few: list[Drain] = []
    with tempfile.TemporaryDirectory(prefix="waystation-bench-") as name:
        herd = Path(name) / "herd"
        with bench_site(Path(name), lambda hub: names.extend(enrol_cores(hub, herd, 2))) as site:
            long = open_core(herd / names[0], names[0], 0, facts + runs * sample)
            short = open_core(herd / names[1], names[1])
            try:
                for n in range(runs):
                    write_backlog(short, facts + (runs + n) * sample, sample)
                    few.append(_drain(site, short, herd, sample))
                    until(lambda: site.lag() == 0)
                    many.append(_drain(site, long, herd, sample))
                    until(lambda: site.lag() == 0)
                queued = _waiting(long)
            finally:
                long.close()
                short.close()
    return document(
        "backlog",
        runs,
        ratios={
            "rate": median([a.facts_per_s / b.facts_per_s for a, b in zip(many, few, strict=True)]),
            "processor_per_fact": median([a.processor_us / b.processor_us for a, b in zip(many, few, strict=True)]),
        },
        figures={
            **_figures(many),
            "queued_at_the_end": queued,
            "sample": sample,
            "load_1_min": round(os.getloadavg()[0], 2),
        },
        baseline={
            "what": f"the same with {sample} queued and nothing behind",
            **_figures(few),
        },
    )


class Drain(NamedTuple):
    """Facts a second of one drain, and the box's processor time for a fact in microseconds."""

    facts_per_s: float
    processor_us: float


def _figures(drains: list[Drain]) -> dict[str, Any]:
    return {
        "facts_per_s": round(median([each.facts_per_s for each in drains])),
        "facts_per_s_of_each_run": [round(each.facts_per_s) for each in drains],
        "processor_us_per_fact": round(median([each.processor_us for each in drains]), 1),
    }


def _drain(site: BenchSite, store: ApplianceStore, herd: Path, sample: int) -> Drain:
    """At least the next `sample` facts of this box."""
    waited = _waiting(store)
    left = max(0, waited - sample)
    link = bare_link(store, site.settings, herd / store.node, MqttLink)
    with talking(link):
        began_s, worked_s = time.monotonic(), time.process_time()
        until(lambda: link.unsigned <= left, step_s=0.002)
        done = waited - link.unsigned
        took_s, processor_s = time.monotonic() - began_s, time.process_time() - worked_s
    return Drain(done / took_s, processor_s / done * 1e6)


def _waiting(store: ApplianceStore) -> int:
    with store.read() as conn:
        written, signed = outbox.ledger(conn)
    return written - signed
