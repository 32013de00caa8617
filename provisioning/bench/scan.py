"""`scan`: from a gun's last byte to a durable, audible verdict.

The real path of a box: a gun on a serial server, its driver, the judgement, one commit, the tone port (a FIFO) and the
event stream of the screen. The clock starts before the gun's last byte is handed to the kernel and stops when the tone
has been heard (in the gun's process) and a page's stream holds the verdict, whichever is later. A bare commit follows
every scan, in the same folder, with the same settings and from the same rest, so that a noisy neighbour hits both.

A database's first thousand pages of write-ahead log are slower on most file systems: the file still grows. So there
are two stretches, and in each both databases are in the same state: `fresh` (both logs grow, as after a start) and
`grown` (both logs have been through their first checkpoint, as in mid-morning).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import provisioning
from appliance.boot import Box
from provisioning.bench import box as made
from provisioning.bench.figures import RUNS, document, median, percentile

SCANS = 100
"""In each stretch. A scan writes seven to eight pages: a hundred stay within the log's first thousand."""
WARM_UP = 20
GROW_SCANS = 160
GROW_COMMITS = 1100
PATIENCE_S = 30.0


class _Page:
    """A page that listens; `times_s` has the moment of each verdict in its stream."""

    def __init__(self, box: Box) -> None:
        self.times_s: list[float] = []
        self._heard = threading.Condition()
        self._lines = iter(box.events.stream(None, ("scan",)).response)
        next(self._lines)
        threading.Thread(target=self._listen, name="page", daemon=True).start()

    def _listen(self) -> None:
        for text in self._lines:
            if isinstance(text, str) and "event: scan\n" in text:
                now_s = time.monotonic()
                with self._heard:
                    self.times_s.append(now_s)
                    self._heard.notify_all()

    def wait(self, n: int) -> None:
        with self._heard:
            assert self._heard.wait_for(lambda: len(self.times_s) >= n, PATIENCE_S), "no verdict on the stream"


def run(*, runs: int = RUNS, scans: int = SCANS) -> dict[str, Any]:
    """Medians of `runs` runs of `scans` scans in each stretch. Times in milliseconds."""
    assert scans <= SCANS
    with tempfile.TemporaryDirectory(prefix="waystation-bench-") as name:
        done = [_run(Path(name) / f"run{n}", scans) for n in range(runs)]
    fresh, grown = zip(*done, strict=True)
    return document(
        "scan",
        runs,
        ratios={"p50_vs_commit": _ratio(fresh), "p50_vs_commit_grown": _ratio(grown)},
        figures={
            **_times([one.ours_s for one in fresh]),
            "grown": _times([one.ours_s for one in grown]),
            "scans": scans,
        },
        baseline={
            "what": "one row a commit, SQLCipher, WAL, synchronous=FULL, same folder and settings",
            **_times([one.bare_s for one in fresh]),
            "grown": _times([one.bare_s for one in grown]),
        },
    )


class _Stretch(NamedTuple):
    """Seconds of each scan, and of the bare commit behind it."""

    ours_s: list[float]
    bare_s: list[float]


def _ratio(stretches: Sequence[_Stretch]) -> float:
    return median([percentile(one.ours_s, 0.5) / percentile(one.bare_s, 0.5) for one in stretches])


def _times(runs_s: Sequence[Sequence[float]]) -> dict[str, float]:
    return {
        f"p{share}_ms": round(median([percentile(one, share / 100) for one in runs_s]) * 1000, 3) for share in (50, 99)
    }


def _run(folder: Path, scans: int) -> tuple[_Stretch, _Stretch]:
    folder.mkdir(parents=True)
    with _scanning(folder, WARM_UP + scans + GROW_SCANS + scans) as (box, hand):
        page = _Page(box)
        done = 0

        def stretch(count: int) -> _Stretch:
            nonlocal done
            rows = hand.scan(done, count)
            page.wait(done + count)
            shown_s = page.times_s[done:]
            done += count
            return _Stretch(
                [max(heard_s, seen_s) - began_s for (began_s, heard_s, _), seen_s in zip(rows, shown_s, strict=True)],
                [bare_s for _, _, bare_s in rows],
            )

        stretch(WARM_UP)
        fresh = stretch(scans)
        stretch(GROW_SCANS)
        hand.commit(GROW_COMMITS)
        return fresh, stretch(scans)


class _Hand:
    """The other process."""

    def __init__(self, folder: Path) -> None:
        beeper = folder / "tone"
        os.mkfifo(beeper, 0o600)
        self.tone = str(beeper)
        self._bare = folder / "bare.db"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "provisioning.bench.hand", self.tone, str(self._bare)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(provisioning.__file__).parents[1],
        )  # fmt: skip
        self.url = f"socket://127.0.0.1:{int(self._ask(''))}"

    def scan(self, first: int, count: int) -> list[tuple[float, float, float]]:
        """(began, heard, bare commit) of each."""
        return [(row[0], row[1], row[2]) for row in json.loads(self._ask(f"{first} {count}\n"))]

    def commit(self, count: int) -> None:
        """Let the bare database's log come to its first checkpoint."""
        self._ask(f"0 -{count}\n")

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the hand let go"
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE_S)
        finally:
            self._process.kill()


@contextmanager
def _scanning(folder: Path, records: int) -> Iterator[tuple[Box, _Hand]]:
    """A box in mid-round, and the hand that holds its gun."""
    hand = _Hand(folder)
    try:
        made.make_box(folder, records=records, guns=[hand.url], tone=hand.tone)
        box = Box(folder, {})
        try:
            box.devices.start()
            assert isinstance(box.collecting.open_round(made.WARD, made.COURIER), str)
            yield box, hand
        finally:
            box.devices.close()
            box.events.close()
            box.store.close()
    finally:
        hand.close()
