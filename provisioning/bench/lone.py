"""`lone`: one fact from its commit to the hub's signed word for it, durable at both ends, over mosquitto with TLS.

At two paces, in turn: one fact after the other, each once the last is signed for, which is how the demanded figure was
taken; and from rest, as most facts of a ward come, where processor and caches have slept. The clock starts when the
box's commit returns: the fact is durable here. In between the hub checks, opens and commits the batch, with
synchronous=FULL as every commit here, and signs for it after that.

`p50_ms` and `p99_ms`: until the box has checked that signature and its word is about to be committed, its statements
done; from here on the fact is safe at two places and the box knows it. `p50_mark_ms` and `p99_mark_ms`: until the box
has kept its mark as well, the second durable commit of a trip. `p50_rest_*`: the same from rest. What the fact's own
commit takes before the clock is told beside it.

In turn with the facts their floor is measured at the same pace: one bare durable commit, of which a trip needs two, and
the six operations with keys that a trip has. What these take is told as a ratio to the trip; the rest is four hops
through the broker, and Python.
"""

from __future__ import annotations

import gc
import os
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from appliance.link.runner import Link
from provisioning.bench.commits import BareCommit, BareKeys
from provisioning.bench.figures import RUNS, document, median, percentile
from provisioning.bench.site import BenchSite, bench_site, collection, until
from sync.adapters.turns import keep_what_stands, take_short_turns

FACTS = 600
REST_FACTS = 100
"""Fewer: each takes an eighth of a second."""
WARM = 50
REST_S = 0.06
"""Longer than the hub waits before it makes sense of a fact, so that one trip does not meet the last one's digest."""
FLOOR_EVERY = 10
LOOK_S = 0.0002
PATIENCE_S = 30.0


class Watch:
    """Hears of the box's durable steps, in the thread that takes them; remembers when the last word was kept."""

    def __init__(self) -> None:
        self.checked_s = self.kept_s = 0.0
        self.told = threading.Event()

    def __call__(self, step: str) -> None:
        if step == "ack.apply:before":
            self.checked_s = time.perf_counter()
        elif step == "ack.apply:after":
            self.kept_s = time.perf_counter()
            self.told.set()


@dataclass(slots=True)
class Pace:
    """Seconds of one run at one pace: the fact's own commit, the word and the mark after it; the floor's parts."""

    writes: list[float] = field(default_factory=list)
    words: list[float] = field(default_factory=list)
    marks: list[float] = field(default_factory=list)
    commits: list[float] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)


def run(*, runs: int = RUNS, facts: int = FACTS) -> dict[str, Any]:
    """Medians over `runs` runs of the percentiles of `facts` facts in a row, and of a hundred from rest, in ms."""
    rest_facts = min(facts, REST_FACTS)
    row: list[Pace] = []
    rest: list[Pace] = []
    watch = Watch()
    with tempfile.TemporaryDirectory(prefix="waystation-bench-") as name, _as_a_box():
        folder = Path(name)
        commit = BareCommit(folder / "floor.db", secrets.token_bytes(32))
        floor = commit, BareKeys()
        try:
            with bench_site(folder, point=watch) as site, site.line() as link:
                until(site.acknowledged)
                trips = _Trips(site, link, watch)
                for _ in range(WARM):
                    trips.one(Pace())
                keep_what_stands()
                for _ in range(runs):
                    row.append(Pace())
                    for n in range(facts):
                        trips.one(row[-1])
                        if n % FLOOR_EVERY == 0:
                            row[-1].commits.append(commit.once_s())
                            row[-1].keys.append(floor[1].once_s())
                    until(lambda: site.lag() == 0)
                    rest.append(Pace())
                    for n in range(rest_facts):
                        time.sleep(REST_S)
                        trips.one(rest[-1])
                        time.sleep(REST_S)
                        if n % 2:
                            rest[-1].keys.append(floor[1].once_s())
                        else:
                            rest[-1].commits.append(commit.once_s())
        finally:
            commit.close()
    return document(
        "lone",
        runs,
        ratios={
            "p50_mark_vs_floor": _ms(row, "marks", 0.5) / _floor_ms(row),
            "p50_rest_mark_vs_floor": _ms(rest, "marks", 0.5) / _floor_ms(rest),
        },
        figures={
            "p50_ms": _ms(row, "words", 0.5),
            "p99_ms": _ms(row, "words", 0.99),
            "p50_mark_ms": _ms(row, "marks", 0.5),
            "p99_mark_ms": _ms(row, "marks", 0.99),
            "p50_ms_of_each_run": [_ms([each], "words", 0.5) for each in row],
            "p99_ms_of_each_run": [_ms([each], "words", 0.99) for each in row],
            "p50_rest_ms": _ms(rest, "words", 0.5),
            "p99_rest_ms": _ms(rest, "words", 0.99),
            "p50_rest_mark_ms": _ms(rest, "marks", 0.5),
            "commit_p50_ms": _ms(rest, "writes", 0.5),
            "worst_ms": _ms([*row, *rest], "marks", 1.0),
            "facts": facts,
            "rest_facts": rest_facts,
            "load_1_min": round(os.getloadavg()[0], 2),
        },
        baseline={
            "what": "one durable row in SQLCipher, WAL, synchronous=FULL; and six operations with keys",
            "p50_ms": _ms(row, "commits", 0.5),
            "keys_p50_ms": _ms(row, "keys", 0.5),
            "p50_rest_ms": _ms(rest, "commits", 0.5),
            "keys_p50_rest_ms": _ms(rest, "keys", 0.5),
            "floor_ms": round(_floor_ms(row), 3),
            "floor_rest_ms": round(_floor_ms(rest), 3),
        },
    )


class _Trips:
    """Facts that one box writes, each once the hub has signed for the last."""

    def __init__(self, site: BenchSite, link: Link, watch: Watch) -> None:
        self._site = site
        self._link = link
        self._watch = watch
        self._n = 0

    def one(self, pace: Pace) -> None:
        watch, store = self._watch, self._site.store
        self._n += 1
        watch.told.clear()
        began_s = time.perf_counter()
        with store.write(actor="u-luo", device="gun-1") as unit:
            fid = unit.append(collection(store, self._n))
        written_s = time.perf_counter()
        assert watch.told.wait(PATIENCE_S), "the line brought nothing"
        until(lambda: self._link.mark(fid.incarnation, fid.lane) >= fid.seq, step_s=LOOK_S)
        pace.writes.append(written_s - began_s)
        pace.words.append(watch.checked_s - written_s)
        pace.marks.append(watch.kept_s - written_s)


def _ms(paces: list[Pace], what: str, share: float) -> float:
    """The median over runs of a percentile, in ms; the worst of all for `share` 1."""
    found = [percentile(getattr(each, what), share) for each in paces]
    return round((max(found) if share == 1.0 else median(found)) * 1000, 3)


def _floor_ms(paces: list[Pace]) -> float:
    return 2 * _ms(paces, "commits", 0.5) + _ms(paces, "keys", 0.5)


@contextmanager
def _as_a_box() -> Iterator[None]:
    """Threads take turns as in a box's own process, and nothing that stands is looked through for rubbish."""
    before_s = sys.getswitchinterval()
    take_short_turns()
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)
        gc.unfreeze()
