"""Bugs put into the product on purpose: each is found at the seed that is recorded with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provisioning.simulator.plants import load, names
from provisioning.simulator.search import search

SOAK = "WAYSTATION_SOAK" in os.environ
WITHIN = 2000


def recorded(name: str) -> int:
    seed: int = load(name).FOUND_AT
    return seed


@pytest.mark.parametrize("name", names())
def test_a_planted_bug_is_found(name: str) -> None:
    if SOAK:
        found = search(0, WITHIN, plant=name, shrinks=False)
    else:
        found = search(recorded(name), recorded(name) + 1, plant=name, shrinks=False)
    assert found.breach is not None, load(name).__doc__


def test_the_table_names_every_plant_with_its_seed() -> None:
    page = (Path(__file__).parent / "plants" / "PLANTS.md").read_text(encoding="utf-8")
    for name in names():
        assert f"| `{name}` | {recorded(name)} |" in page
