"""A node's clocks in virtual time: the wall may lie, the other two only go forward."""

from __future__ import annotations

from collections.abc import Callable

START_MS = 1795219200000
"""2026-11-21 00:00 UTC: what a true wall clock says at virtual second 0."""


class NodeClock:
    """`now` gives virtual seconds. A wall clock is off by `offset_ms` and gains `drift_ppm`."""

    def __init__(self, now: Callable[[], float], name: str, *, drift_ppm: int = 0) -> None:
        self._now = now
        self._name = name
        self._drift = drift_ppm / 1_000_000
        self._booted_at_s = 0.0
        self._boots = 1
        self.offset_ms = 0

    def wall_ms(self) -> int:
        return START_MS + self.offset_ms + round(self._now() * 1000 * (1 + self._drift))

    def mono_s(self) -> float:
        return self._now()

    def boot_s(self) -> float:
        return self._now() - self._booted_at_s

    def boot_id(self) -> str:
        return f"{self._name}-{self._boots:08d}"

    def set_to(self, wall_ms: int) -> None:
        """Somebody or something sets the wall clock."""
        self.offset_ms += wall_ms - self.wall_ms()

    def reboot(self) -> None:
        """The machine starts: another boot id, boot time from zero."""
        self._boots += 1
        self._booted_at_s = self._now()
