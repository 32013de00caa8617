"""Whole sites under a drawn weather: the same seed is the same run, and every invariant holds at rest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from provisioning.simulator import run as running
from provisioning.simulator.drawing import draw
from provisioning.simulator.faults import FAULTS
from provisioning.simulator.points import ELSEWHERE, OFTEN, POINTS, places
from provisioning.simulator.run import HANDS, run
from provisioning.simulator.saved import load
from provisioning.simulator.search import LONG, Found, search, told
from sync.adapters.sqlite_log.steps import STEPS
from tests.soak import SOAK

SPAN = (0, 120)
"""The other half is `test_more_schedules`: two files, so that both processors have one."""
HERE = Path(__file__).parent
SAVED = sorted((HERE / "regressions").glob("*.json"))


@pytest.mark.row("F14.5")
def test_no_schedule_breaks_an_invariant(searched: Found) -> None:
    assert searched.breach is None, told(searched.smallest or searched.breach)
    assert SOAK or searched.schedules >= SPAN[1] - SPAN[0]


@pytest.mark.row("F14.5")
def test_every_kind_of_fault_struck(searched: Found) -> None:
    if SOAK and searched.schedules < SPAN[1]:
        pytest.skip("the first sitting of a soak was too short to tell")
    named = {fault.name for fault in FAULTS} - {
        "crash-hub",
        "clock-skew",
        "backups",
        "stick",
        "blobs",
        "workers",
        "losses",
        "gone",
    } | {"crash"}
    named |= {
        "backup made",
        "put back by the tool",
        "facts dropped",
        "stick taken in",
        "copies by a stick",
        "picture taken",
        "worker",
        "worker-dies",
        "put back too far",
        "forgotten",
    }
    assert named <= searched.faults.keys()


def test_processes_died_at_the_steps_that_matter(searched: Found) -> None:
    assert searched.crashes.keys() <= POINTS
    assert places(OFTEN) <= searched.crashes.keys() or (SOAK and searched.schedules < SPAN[1])
    assert searched.schedules < LONG or not searched.never_crashed


def test_a_step_that_no_site_takes_is_named_with_a_test_that_is_there() -> None:
    assert ELSEWHERE.keys() <= STEPS.keys()
    for where in set(ELSEWHERE.values()):
        assert (HERE.parents[1] / where).is_file()


@pytest.mark.parametrize("path", SAVED, ids=[path.stem for path in SAVED])
def test_a_schedule_that_once_broke_something_does_so_no_more(path: Path) -> None:
    outcome = run(load(path))
    assert outcome.breach is None, told(outcome)


@pytest.mark.parametrize("seed", [3, 9, 40])
def test_the_same_seed_is_the_same_run(seed: int) -> None:
    first, second = run(draw(seed)), run(draw(seed))
    assert (first.trace, first.steps, first.breach) == (second.trace, second.steps, second.breach)
    assert first.trace != run(draw(seed + 1)).trace


def test_the_same_seeds_are_the_same_run_whatever_process_plays_them() -> None:
    """Where an order comes from hashes, it is another one in each process."""
    here = search(0, 12, processes=2)
    for seed in ("1", "77"):
        told_there = subprocess.run(
            [Path(sys.executable).with_name("waystation"), "simulate", "--seeds", "0:12", "--json"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=300,
        )
        there = json.loads(told_there.stdout)
        assert (there["trace"], there["steps"]) == (here.trace, here.steps)


def test_a_search_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    search(0, 6, kept=kept, until_s=0)
    first = json.loads(kept.read_text(encoding="utf-8"))["schedules"]
    assert first < 6
    found, whole = search(0, 6, kept=kept), search(0, 6)
    assert (found.schedules, found.trace, found.faults) == (whole.schedules, whole.trace, whole.faults)


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "scratch", lambda: tmp_path)
    seen: list[Path] = []
    run(draw(1), hear=lambda _: seen.extend(tmp_path.iterdir()) if not seen else None)
    assert seen and not list(tmp_path.iterdir())


def test_every_event_has_its_hand() -> None:
    for seed in range(200):
        assert {event.what for event in draw(seed).events} <= HANDS.keys()
