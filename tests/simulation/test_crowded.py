"""Whole sites under the drawn weather whose boxes have small disks: lists go in the middle of it, and return."""

from __future__ import annotations

from collections import Counter

import pytest

from provisioning.simulator.drawing import draw
from provisioning.simulator.faults.room import NAME, RETURNED, STEPS, crowded
from provisioning.simulator.plants import Patch
from provisioning.simulator.points import places
from provisioning.simulator.run import run
from sync.adapters.sqlite_log import mirrors
from tests.soak import SOAK, many

SEEDS = range(many(0, 1000)) if SOAK else (0, 1, 4, 5, 8, 11, 12)
"""Some in which a scope really goes; in a soak all."""


@pytest.mark.row("F10.20")
def test_no_schedule_of_a_crowded_site_breaks_an_invariant() -> None:
    hits, crashes = Counter[str](), Counter[str]()
    for seed in SEEDS:
        outcome = run(crowded(draw(seed)))
        assert outcome.breach is None, f"seed {seed}: {outcome.breach}"
        hits += outcome.hits
        crashes += outcome.crashes
    if len(SEEDS) > 6:
        assert hits[NAME] > len(SEEDS) / 4 and hits[RETURNED]
        assert len(places(STEPS) & crashes.keys()) >= 2, "processes died in the middle of it"


def test_the_same_crowded_site_is_the_same_run() -> None:
    assert run(crowded(draw(0))).trace == run(crowded(draw(0))).trace != run(draw(0)).trace


@pytest.mark.parametrize("seed", [61, 106], ids=["a row was lost before its scope went", "forgotten while it was away"])
def test_a_defect_that_a_crowded_site_found_is_mended(seed: int) -> None:
    assert run(crowded(draw(seed))).breach is None


def forgets_what_it_wrote(patch: Patch) -> None:
    patch(mirrors, "_wrote_about", lambda conn, node, etype, key: False)


def is_not_gone_on_with(patch: Patch) -> None:
    patch(mirrors, "finish", lambda store: None)


def leaves_its_cursor(patch: Patch) -> None:
    emptied = "epoch = 0, sseq = 0, e = ?, to_repair = 1, head_at = 0"
    patch.edit(mirrors, "let_go", emptied, "e = coalesce(e, ?)")


@pytest.mark.parametrize("plant", [forgets_what_it_wrote, is_not_gone_on_with, leaves_its_cursor])
def test_a_mirror_that_goes_wrongly_is_found(plant) -> None:
    patch = Patch()
    try:
        plant(patch)
        assert any(run(crowded(draw(seed))).breach for seed in range(12))
    finally:
        patch.undo()
