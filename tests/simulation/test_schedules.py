"""Whole sites under a drawn weather: the same seed is the same run, and every invariant holds at rest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provisioning.simulator.drawing import draw
from provisioning.simulator.faults import FAULTS
from provisioning.simulator.run import HANDS, run
from provisioning.simulator.search import POINTS, Found, search, told

SCHEDULES = int(os.environ.get("WAYSTATION_SCHEDULES", "80"))
SOAK = "WAYSTATION_SOAK" in os.environ
MILLION = int(os.environ.get("WAYSTATION_SOAK_SCHEDULES", "1000000"))


@pytest.fixture(scope="module")
def searched() -> Found:
    return search(0, MILLION if SOAK else SCHEDULES)


@pytest.mark.row("F14.5")
def test_no_schedule_breaks_an_invariant(searched: Found) -> None:
    assert searched.breach is None, told(searched.smallest or searched.breach)
    assert searched.schedules >= SCHEDULES


@pytest.mark.row("F14.5")
def test_every_kind_of_fault_struck(searched: Found) -> None:
    named = {fault.name for fault in FAULTS} - {"crash-hub", "clock-skew"} | {"crash"}
    assert named <= searched.faults.keys()


def test_processes_died_at_the_steps_that_matter(searched: Found) -> None:
    crashed = {place.partition(":")[0] for place in searched.crashes}
    assert crashed >= {"act", "start", "ack.apply", "batch.append", "digest.run", "round.apply", "repair.apply"}
    assert searched.crashes.keys() <= POINTS


@pytest.mark.parametrize("seed", [3, 9, 40])
def test_the_same_seed_is_the_same_run(seed: int) -> None:
    first, second = run(draw(seed)), run(draw(seed))
    assert (first.trace, first.steps, first.breach) == (second.trace, second.steps, second.breach)
    assert first.trace != run(draw(seed + 1)).trace


def test_nothing_is_left_behind() -> None:
    folder = Path("/dev/shm")
    before = {path.name for path in folder.glob("way-sim-*")} if folder.is_dir() else set()
    run(draw(1))
    after = {path.name for path in folder.glob("way-sim-*")} if folder.is_dir() else set()
    assert after <= before


def test_every_event_has_its_hand() -> None:
    for seed in range(200):
        assert {event.what for event in draw(seed).events} <= HANDS.keys()
