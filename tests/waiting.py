"""Waiting for what another thread, process or peer brings."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
STEP_S = 0.01
"""Between two looks: the processor belongs to whoever brings it."""


def until(what: Callable[[], T], patience_s: float = 90.0, said: str = "it never happened") -> T:
    """The first true answer. Fails after a generous while, with what was waited for where it is `said`."""
    deadline_s = time.monotonic() + patience_s
    while not (found := what()):
        assert time.monotonic() < deadline_s, said
        time.sleep(STEP_S)
    return found
