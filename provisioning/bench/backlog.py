"""`backlog`: the rate at which a box drains with a million facts queued, against its rate with ten thousand.

Two boxes at one hub, in turn: one has ten thousand collections and drains them; the other, with a million more queued
behind, drains as many and hangs up: a sample at the deep end, not the whole. Both were written by a process that has
ended, and each drain begins in a new one's store. The clock runs from the welcome to the signature for the last.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from provisioning.bench.cores import enrol_cores, make_backlogs, open_core
from provisioning.bench.figures import RUNS, document, median
from provisioning.bench.site import BenchSite, bare_link, bench_site, found_site, talking, until
from sync.adapters.mqtt_link import MqttLink
from sync.adapters.sqlite_log import outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore

FACTS = 1_000_000
SAMPLE = 10_000
HERD, NAMES = "herd", "names.json"


def run(*, runs: int = RUNS, facts: int = FACTS, sample: int = SAMPLE, keep: Path | None = None) -> dict[str, Any]:
    """Medians of `runs` drains of `sample` facts each, with `facts` queued behind and with none.

    `keep`: a folder in which the long backlog lies, or is made once and stays; each run gets a copy.
    """
    many: list[Drain] = []
    few: list[Drain] = []
    with tempfile.TemporaryDirectory(prefix="waystation-bench-") as name:
        herd = Path(name) / HERD
        long, short = _made(Path(name), facts + runs * sample, keep)
        with bench_site(Path(name)) as site:
            for n in range(runs):
                make_backlogs(herd, [short], facts + (runs + n) * sample, sample)
                few.append(_drain(site, herd / short, sample))
                until(lambda: site.lag() == 0)
                many.append(_drain(site, herd / long, sample))
                until(lambda: site.lag() == 0)
            queued = _waiting(herd / long)
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


def _made(folder: Path, facts: int, keep: Path | None) -> tuple[str, str]:
    """A stopped hub in `folder` and two boxes that it knows, the first with `facts` queued; their names."""
    made = folder if keep is None else keep / f"backlog-{facts}"
    if not (made / NAMES).exists():
        shutil.rmtree(made / HERD, ignore_errors=True)
        names: list[str] = []
        found_site(made, lambda hub: names.extend(enrol_cores(hub, made / HERD, 2)))
        make_backlogs(made / HERD, names[:1], 0, facts)
        (made / NAMES).write_text(json.dumps(names), "utf-8")
    if made != folder:
        shutil.copytree(made, folder, dirs_exist_ok=True)
    long, short = json.loads((made / NAMES).read_text("utf-8"))
    return long, short


def _drain(site: BenchSite, folder: Path, sample: int) -> Drain:
    """At least the next `sample` facts of this box."""
    store = open_core(folder, folder.name)
    try:
        waited = _queued(store)
        left = max(0, waited - sample)
        link = bare_link(store, site.settings, folder, MqttLink)
        with talking(link):
            began_s, worked_s = time.monotonic(), time.process_time()
            until(lambda: link.unsigned <= left, step_s=0.002)
            done = waited - link.unsigned
            took_s, processor_s = time.monotonic() - began_s, time.process_time() - worked_s
        return Drain(done / took_s, processor_s / done * 1e6)
    finally:
        store.close()


def _waiting(folder: Path) -> int:
    store = open_core(folder, folder.name)
    try:
        return _queued(store)
    finally:
        store.close()


def _queued(store: ApplianceStore) -> int:
    with store.read() as conn:
        written, signed = outbox.ledger(conn)
    return written - signed
