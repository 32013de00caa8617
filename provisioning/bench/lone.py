"""`lone`: one fact from its commit to the hub's signed word for it, durable at both ends, over mosquitto with TLS.

At two paces, in turn: one fact after the other, each once the last is signed for, which is how the demanded figure was
taken; and from rest, as most facts of a ward come, where processor and caches have slept. The clock runs from the box's
commit, when the fact is durable here, to the moment at which the box has checked the acknowledgement and committed its
mark; in between the hub checks, opens and commits the batch. What the fact's own commit takes before is told beside it.
In turn with the facts from rest their floor is measured, from rest too: one bare durable commit, of which a trip needs
two, and the six operations with keys that a trip has. What both take is told as a ratio to the trip; the rest is four
hops through the broker, and Python.
"""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from pathlib import Path
from typing import Any

from appliance.link.runner import Link
from provisioning.bench.commits import BareCommit, BareKeys
from provisioning.bench.figures import RUNS, document, median, percentile
from provisioning.bench.site import BenchSite, bench_site, collection, until

FACTS = 100
WARM = 20
REST_S = 0.06
"""Longer than the hub waits before it makes sense of a fact, so that one trip does not meet the last one's digest."""
LOOK_S = 0.0001


def run(*, runs: int = RUNS, facts: int = FACTS) -> dict[str, Any]:
    """Medians over `runs` runs of the percentiles of `facts` facts each, in ms."""
    ours: list[list[float]] = []
    rested: list[list[float]] = []
    bare: list[list[float]] = []
    keyed: list[list[float]] = []
    own: list[list[float]] = []
    with tempfile.TemporaryDirectory(prefix="waystation-bench-") as name, bench_site(Path(name)) as site:
        floor = BareCommit(Path(name) / "floor.db", secrets.token_bytes(32))
        keys = BareKeys()
        try:
            with site.line() as link:
                until(site.acknowledged)
                for n in range(WARM):
                    _once_s(site, link, n)
                for each in range(runs):
                    ours.append([_once_s(site, link, WARM + 2 * each * facts + n)[1] for n in range(facts)])
                    until(lambda: site.lag() == 0)
                    trips, commits, crypto, writes = [], [], [], []
                    for n in range(facts):
                        time.sleep(REST_S)
                        write_s, trip_s = _once_s(site, link, WARM + (2 * each + 1) * facts + n)
                        writes.append(write_s)
                        trips.append(trip_s)
                        time.sleep(REST_S)
                        if n % 2:
                            crypto.append(keys.once_s())
                        else:
                            commits.append(floor.once_s())
                    rested.append(trips)
                    bare.append(commits)
                    keyed.append(crypto)
                    own.append(writes)
        finally:
            floor.close()
    p50_ms = median([percentile(each, 0.5) for each in ours]) * 1000
    rest_ms = median([percentile(each, 0.5) for each in rested]) * 1000
    commit_ms = median([percentile(each, 0.5) for each in bare]) * 1000
    keys_ms = median([percentile(each, 0.5) for each in keyed]) * 1000
    return document(
        "lone",
        runs,
        ratios={"p50_rest_vs_commit": rest_ms / commit_ms, "p50_rest_vs_floor": rest_ms / (2 * commit_ms + keys_ms)},
        figures={
            "p50_ms": round(p50_ms, 3),
            "p99_ms": round(median([percentile(each, 0.99) for each in ours]) * 1000, 3),
            "p50_ms_of_each_run": [round(percentile(each, 0.5) * 1000, 3) for each in ours],
            "p99_ms_of_each_run": [round(percentile(each, 0.99) * 1000, 3) for each in ours],
            "p50_rest_ms": round(rest_ms, 3),
            "p99_rest_ms": round(median([percentile(each, 0.99) for each in rested]) * 1000, 3),
            "commit_p50_ms": round(median([percentile(each, 0.5) for each in own]) * 1000, 3),
            "worst_ms": round(max(map(max, [*ours, *rested])) * 1000, 3),
            "facts": facts,
            "load_1_min": round(os.getloadavg()[0], 2),
        },
        baseline={
            "what": "one durable row in SQLCipher, WAL, synchronous=FULL, from rest",
            "p50_ms": round(commit_ms, 3),
            "keys_p50_ms": round(keys_ms, 3),
            "p99_ms": round(median([percentile(each, 0.99) for each in bare]) * 1000, 3),
        },
    )


def _once_s(site: BenchSite, link: Link, n: int) -> tuple[float, float]:
    """Seconds of the fact's commit, and from there to its mark."""
    began_s = time.perf_counter()
    with site.store.write(actor="u-luo", device="gun-1") as unit:
        fid = unit.append(collection(site.store, n))
    written_s = time.perf_counter()
    until(lambda: link.mark(fid.incarnation, fid.lane) >= fid.seq, step_s=LOOK_S)
    return written_s - began_s, time.perf_counter() - written_s
