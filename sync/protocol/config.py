"""What a session is given for its life: which start it speaks for, by which carriers, and how patient it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sync.kernel.limits import BACKOFF_S_MAX, CONNECT_S_MAX


@dataclass(frozen=True, slots=True)
class Config:
    """`carriers` best first. `draw` gives a number in [0, 1), for jitter.

    `backoff_s_max`, and `connect_s_max` for a carrier that says neither up nor down, are settings.
    """

    incarnation: int
    carriers: tuple[str, ...]
    draw: Callable[[], float]
    backoff_s_max: float = BACKOFF_S_MAX
    connect_s_max: float = CONNECT_S_MAX
