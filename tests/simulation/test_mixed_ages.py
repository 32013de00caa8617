"""Whole sites under the drawn weather whose machines are of different ages: two schemas behind the hub, or ahead."""

from __future__ import annotations

import pytest

from provisioning.simulator.drawing import draw
from provisioning.simulator.faults.versions import NAME, mixed
from provisioning.simulator.plants import Patch
from provisioning.simulator.run import run
from sync.adapters.sqlite_log import digest, unread
from tests.soak import many

JUMPS = 40
"""A hub that is put back, so that a cursor passes by what an updated hub told anew."""
SEEDS = (*range(many(12, 500)), JUMPS)


@pytest.mark.row("H35.20")
def test_no_schedule_of_a_mixed_site_breaks_an_invariant() -> None:
    for seed in SEEDS:
        outcome = run(mixed(draw(seed)))
        assert outcome.breach is None, f"seed {seed}: {outcome.breach}"
        assert outcome.hits[NAME]


def test_the_same_mixed_site_is_the_same_run() -> None:
    assert run(mixed(draw(3))).trace == run(mixed(draw(3))).trace != run(draw(3)).trace


def test_states_that_nobody_folds_again_are_found() -> None:
    patch = Patch()
    try:
        for owner in (unread, digest):
            patch(owner, "unread", lambda conn, limit: [])
        assert any(run(mixed(draw(seed))).breach for seed in SEEDS)
    finally:
        patch.undo()


def test_facts_of_unknown_kinds_that_nobody_counts_are_found() -> None:
    patch = Patch()
    rule = "nameable(fact.key) if etype is None else kind is None or kind.folded"
    try:
        patch.edit(digest, "_digest_one", rule, "kind is not None and kind.folded")
        assert any(run(mixed(draw(seed))).breach for seed in SEEDS)
    finally:
        patch.undo()


def test_a_checkpoint_passed_by_that_nobody_asks_for_is_found() -> None:
    patch = Patch()
    try:
        patch(unread, "outdated", lambda conn, label: [])
        assert run(mixed(draw(JUMPS))).breach
    finally:
        patch.undo()
