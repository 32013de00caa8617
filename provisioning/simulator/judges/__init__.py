"""Who looks at a site that has come to rest, one invariant a judge. A new one is a function here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from provisioning.simulator.judges import bounds, chains, forgotten, kept, keys, leases, mirrors, rest

if TYPE_CHECKING:
    from provisioning.simulator.world import World

Judge = Callable[["World"], Iterator[str]]

JUDGES: tuple[tuple[str, Judge], ...] = (
    ("I13", rest.stuck),
    ("I1", kept.lost),
    ("I1", kept.own_lost),
    ("I1", kept.pictures_lost),
    ("I2", kept.invented),
    ("I2", keys.taken_late),
    ("I3", chains.gaps),
    ("I10", chains.backwards),
    ("I4", chains.twice),
    ("I4", chains.counted_again),
    ("I5", mirrors.differing),
    ("I5", mirrors.unfolded),
    ("I6", mirrors.outside),
    ("I6", forgotten.kept),
    ("I7", leases.seen_beyond),
    ("I8", leases.given_twice),
    ("I12", bounds.beyond),
)
"""In the order they are asked; the first finding is the one that is told."""

NOT_YET = {
    "I9": "reads on screen, prints and exports join with their features",
    "I11": "shredding joins with its feature",
}
"""Invariants that nobody looks at yet, and why."""
