"""Bugs put into the product on purpose: each is found by the seed, or saved schedule, that is recorded with it."""

from __future__ import annotations

import pytest

from provisioning.simulator.hunt import PAGE, SAVED, hunt, recorded, with_table
from provisioning.simulator.plants import load, names, planted
from provisioning.simulator.run import run
from provisioning.simulator.saved import load as load_schedule
from tests.soak import SOAK, many

WITHIN = many(0, 2000)


@pytest.mark.parametrize("name", names())
def test_a_planted_bug_is_found(name: str) -> None:
    known = recorded()[name]
    seed = known.by if isinstance(known.by, int) else 0
    first, beyond = (0, max(WITHIN, seed + 1)) if SOAK else (seed, seed + 1)
    assert hunt([name], first, beyond) == {name: known}, load(name).__doc__


def test_a_saved_schedule_still_reaches_the_defect_that_a_seed_shows_too() -> None:
    with planted("rejected_not_issued_again"):
        outcome = run(load_schedule(SAVED / "set_aside_by_a_hub_put_back.json"))
    assert outcome.breach is not None and outcome.breach[0] == "I1"


def test_each_plant_has_its_seed_and_its_line_in_the_table() -> None:
    assert sorted(recorded()) == names()
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page, recorded())
