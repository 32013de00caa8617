"""Schedules one after the other, or on several processors: in the order of their seeds either way."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from multiprocessing import get_context

from provisioning.simulator.drawing import draw
from provisioning.simulator.plants import planted
from provisioning.simulator.run import Outcome, run
from sync.adapters.turns import keep_what_stands

AT_ONCE = 4
"""Seeds that a process takes at a time."""
_kept = ExitStack()
"""In a process of a search: the planted bug, for as long as it lives."""


def outcomes(
    first: int, beyond: int, plant: str | None, processes: int, hear: Callable[[str], None] | None = None
) -> Generator[tuple[Outcome, float], None, None]:
    """Each outcome with the processor seconds it took. Steps are heard where there is one process only."""
    if processes == 1:
        keep_what_stands()  # looking through it again and again costs a twelfth
        with planted(plant):
            for seed in range(first, beyond):
                yield _one(seed, hear)
        return
    # New processes, each with another seed of its own for hashes: what depends on one is found.
    with get_context("spawn").Pool(processes, _begin, (plant,)) as pool:
        yield from pool.imap(_one, range(first, beyond), chunksize=AT_ONCE)


def _begin(plant: str | None) -> None:
    keep_what_stands()
    _kept.enter_context(planted(plant))


def _one(seed: int, hear: Callable[[str], None] | None = None) -> tuple[Outcome, float]:
    began = time.process_time()
    return run(draw(seed), hear=hear), time.process_time() - began
