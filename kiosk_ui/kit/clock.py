"""Time as a node gives it to its pages."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """`sync.adapters.clock.SystemClock` fits."""

    def wall_ms(self) -> int: ...

    def mono_s(self) -> float: ...
