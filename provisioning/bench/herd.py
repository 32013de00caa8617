"""`herd`: a thousand boxes come back at once, each with a backlog, and one hub brings calm.

Every box is a real sync core: own keys, own SQLCipher file, own session, own TLS connection to the hub's mosquitto; a
quarter of them share a process. Backlogs are made beforehand. The clock runs from the moment at which all begin to
call until each holds the hub's signature for its last fact. Meanwhile a box of its own writes one live fact after the
other and waits for each. What the hub has signed for and not yet made sense of then is told beside it.

Baseline: the same facts as 500-row transactions into plain SQLite, just before and after, on a machine then idle.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from appliance.link.runner import Link
from provisioning.bench.commits import events, insert_rate
from provisioning.bench.cores import enrol_cores, make_backlogs, serve
from provisioning.bench.figures import document, median, percentile
from provisioning.bench.site import BenchSite, bench_site, collection, found_site, until
from sync.adapters.mqtt_link import MqttLink
from sync.kernel.ids import FactId

BOXES = 1000
FACTS_A_BOX = 1000
PROCESSES = 4
LIVE_EVERY_S = 0.25
CEILING_FACTS = 20_000
PATIENCE_S = 900.0
SEEN_S = 10.0
"""How long the digest is looked at after the herd is through: to see that it goes on, not until it is done."""
HERD, NAMES = "herd", "names.json"


def run(*, runs: int = 1, boxes: int = BOXES, facts: int = FACTS_A_BOX, keep: Path | None = None) -> dict[str, Any]:
    """`runs` herds of `boxes` boxes with `facts` facts each; medians. Smaller counts are a quick look, no figure.

    `keep`: a folder in which backlogs of this size lie, or are made once and stay; each run gets a copy.
    """
    herds: list[Herd] = []
    ceilings: list[float] = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory(prefix="waystation-bench-") as name:
            folder = Path(name)
            ceilings.append(insert_rate(folder / "ceiling.db", events(CEILING_FACTS)))
            herds.append(_once(folder, boxes, facts, keep))
            ceilings.append(insert_rate(folder / "ceiling.db", events(CEILING_FACTS)))
    took = [max(herd.done_s) for herd in herds]
    half = [percentile(herd.done_s, 0.5) for herd in herds]
    lives = [one for herd in herds for one in herd.live_s]
    total = boxes * facts
    return document(
        "herd",
        runs,
        ratios={"vs_sqlite": total / median(took) / median(ceilings)},
        figures={
            "converge_s": round(median(took), 2),
            "half_done_s": round(median(half), 2),
            "live_worst_ms": round(max(lives) * 1000, 1),
            "live_p50_ms": round(percentile(lives, 0.5) * 1000, 1),
            "live_facts": len(lives),
            "facts_per_s": round(total / median(took)),
            "undigested_then": round(median([herd.lag[0] for herd in herds])),
            "undigested_10_s_later": round(median([herd.lag[1] for herd in herds])),
            "cpu_ms_a_box": {
                who: round(median([herd.cpu_s[who] for herd in herds]) / boxes * 1000, 1) for who in herds[0].cpu_s
            },
            "boxes": boxes,
            "facts_a_box": facts,
            "processes": PROCESSES,
            "load_1_min": round(os.getloadavg()[0], 2),
        },
        baseline={
            "what": "500-row transactions of 300-byte events, plain SQLite, WAL, synchronous=FULL",
            "rows_per_s": round(median(ceilings)),
        },
    )


@dataclass(frozen=True, slots=True)
class Herd:
    """Seconds until each box was done, seconds that each live fact took, facts whose meaning was still to come.

    `lag`: those when the last was signed for, and `SEEN_S` later or when there were none. `cpu_s`: processor seconds of
    the herd's processes, of the hub's and of its broker.
    """

    done_s: list[float]
    live_s: list[float]
    lag: tuple[int, int]
    cpu_s: dict[str, float]


def _once(folder: Path, boxes: int, facts: int, keep: Path | None) -> Herd:
    names = _made(folder, boxes, facts, keep)
    with bench_site(folder) as site:
        spawn = multiprocessing.get_context("spawn")
        members = []
        for mine in _shares(boxes):
            here, there = spawn.Pipe()
            process = spawn.Process(
                target=serve,
                args=(there, folder / HERD, names[mine.start : mine.stop], site.settings.hub.model_dump()),
                daemon=True,
            )
            process.start()
            there.close()  # a process that died is noticed at once
            members.append((process, here))
        with site.bare_line(MqttLink) as line:
            until(site.acknowledged)
            for _, pipe in members:
                assert pipe.recv() == "ready"
            live_s: list[float] = []
            stop = threading.Event()
            caller = threading.Thread(target=_live, args=(site, line, live_s, stop))
            began_s = time.monotonic()
            for _, pipe in members:
                pipe.send("go")
            caller.start()
            done_s: list[float] = []
            before, herd_s = site.cpu_s(), 0.0
            for _, pipe in members:
                assert pipe.poll(PATIENCE_S), "the herd did not come to rest"
                done, took_s = pipe.recv()
                done_s += done
                herd_s += took_s
            cpu_s = {"herd": herd_s, **{who: so_far - before[who] for who, so_far in site.cpu_s().items()}}
            stop.set()
            caller.join(PATIENCE_S)
            lag = _lags(site)
            for process, pipe in members:
                pipe.send("end")
                pipe.recv()
                process.join(PATIENCE_S)
    return Herd([at - began_s for at in done_s], live_s, lag, cpu_s)


def _made(folder: Path, boxes: int, facts: int, keep: Path | None) -> list[str]:
    """A stopped hub and boxes that it knows, each with a backlog, in `folder`; the boxes' names."""
    if keep is None:
        return _make(folder, boxes, facts)
    made = keep / f"{boxes}x{facts}"
    if not (made / NAMES).exists():
        shutil.rmtree(made, ignore_errors=True)
        _make(made, boxes, facts)
    shutil.copytree(made, folder, dirs_exist_ok=True)
    return list(json.loads((made / NAMES).read_text("utf-8")))


def _make(folder: Path, boxes: int, facts: int) -> list[str]:
    names: list[str] = []
    found_site(folder, lambda hub: names.extend(enrol_cores(hub, folder / HERD, boxes)))
    spawn = multiprocessing.get_context("spawn")
    making = [
        spawn.Process(
            target=make_backlogs,
            args=(folder / HERD, names[mine.start : mine.stop], (mine.start + 1) * facts, facts),
            daemon=True,
        )
        for mine in _shares(boxes)
    ]
    for process in making:
        process.start()
    for process in making:
        process.join()
        assert process.exitcode == 0, "a backlog could not be made"
    (folder / NAMES).write_text(json.dumps(names), "utf-8")
    return names


def _shares(boxes: int) -> list[range]:
    """Which boxes each process has."""
    return [range(n * boxes // PROCESSES, (n + 1) * boxes // PROCESSES) for n in range(PROCESSES)]


def _live(site: BenchSite, line: Link, took_s: list[float], stop: threading.Event) -> None:
    while not stop.is_set():
        began_s = time.perf_counter()
        with site.store.write(actor="u-luo", device="gun-1") as unit:
            fid = unit.append(collection(site.store, len(took_s)))
        until(partial(_signed, line, fid), step_s=0.002)
        took_s.append(time.perf_counter() - began_s)
        stop.wait(LIVE_EVERY_S)


def _lags(site: BenchSite) -> tuple[int, int]:
    """Facts that the hub has not made sense of, now and a while later. Asked seldom: an answer costs the hub, too."""
    first = left = site.lag()
    end = time.monotonic() + SEEN_S
    while left and time.monotonic() < end:
        time.sleep(SEEN_S / 10)
        left = site.lag()
    return first, left


def _signed(line: Link, fid: FactId) -> bool:
    return line.mark(fid.incarnation, fid.lane) >= fid.seq
