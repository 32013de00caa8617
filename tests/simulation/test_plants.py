"""Bugs put into the product on purpose: each is found at the seed that is recorded with it."""

from __future__ import annotations

import os

import pytest

from provisioning.simulator.hunt import PAGE, hunt, recorded, with_table
from provisioning.simulator.plants import load, names

SOAK = "WAYSTATION_SOAK" in os.environ
WITHIN = 2000


@pytest.mark.parametrize("name", names())
def test_a_planted_bug_is_found(name: str) -> None:
    known = recorded()[name]
    first, beyond = (0, WITHIN) if SOAK else (known.seed, known.seed + 1)
    assert hunt([name], first, beyond) == {name: known}, load(name).__doc__


def test_each_plant_has_its_seed_and_its_line_in_the_table() -> None:
    assert sorted(recorded()) == names()
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page, recorded())
