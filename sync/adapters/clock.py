"""Where time comes in: one wall clock that may lie, two others that only go forward.

Whoever needs time takes a `Clock`; nobody else reads one.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """The four things a node asks about time."""

    def wall_ms(self) -> int:
        """Milliseconds since 1970 UTC by the machine's clock: a claim, may jump either way."""
        ...

    def mono_s(self) -> float:
        """Seconds since an unknown instant; never goes back, stands still in suspend. For time-outs."""
        ...

    def boot_s(self) -> float:
        """Seconds since boot, suspend counted. For how long something has lasted."""
        ...

    def boot_id(self) -> str:
        """Differs after each boot; `boot_s` values compare only under one boot id."""
        ...


class SystemClock:
    """The kernel's clocks. `boot_s` is CLOCK_BOOTTIME. Source: clock_gettime(2), Linux man-pages 6.03."""

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def mono_s(self) -> float:
        return time.monotonic()

    def boot_s(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def boot_id(self) -> str:
        return _BOOT_ID.read_text(encoding="ascii").strip()


class ShiftedClock:
    """Another clock whose wall time is wrong by a fixed span, as after a flat battery. The rest is untouched.

    Chosen by settings (clock offset), so that a whole node can be started in 1970 or 2100.
    """

    def __init__(self, inner: Clock, offset_s: float) -> None:
        self._inner = inner
        self._offset_ms = round(offset_s * 1000)

    @classmethod
    def starting_at(cls, inner: Clock, wall_ms: int) -> ShiftedClock:
        """A clock that reads `wall_ms` now and goes on from there."""
        return cls(inner, (wall_ms - inner.wall_ms()) / 1000)

    def wall_ms(self) -> int:
        return self._inner.wall_ms() + self._offset_ms

    def mono_s(self) -> float:
        return self._inner.mono_s()

    def boot_s(self) -> float:
        return self._inner.boot_s()

    def boot_id(self) -> str:
        return self._inner.boot_id()
