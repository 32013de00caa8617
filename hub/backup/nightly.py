"""A backup every night, made by the hub itself; one that was missed, because the hub was down, is made up for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sync.adapters.clock import Clock

RETRY_S = 3600.0
END_S = 2.0


def last_due_ms(now_ms: int, at: time, zone: ZoneInfo) -> int:
    """The newest instant, now at the latest, at which it was `at` o'clock at the site."""
    now = datetime.fromtimestamp(now_ms / 1000, tz=UTC).astimezone(zone)
    today = datetime.combine(now.date(), at, zone)
    due = today if today.timestamp() <= now.timestamp() else datetime.combine(now.date() - timedelta(days=1), at, zone)
    return round(due.timestamp() * 1000)


class Nightly:
    """`look` starts a backup when one is due, in a process of its own; a failed one is tried again after an hour.

    `failed(code)` hears of one that was not made.
    """

    def __init__(self, folder: Path, at: time, zone: ZoneInfo, clock: Clock, failed: Callable[[str], None]) -> None:
        self._folder = folder
        self._at = at
        self._zone = zone
        self._clock = clock
        self._failed = failed
        self._child: subprocess.Popen[str] | None = None
        self._not_before_s = 0.0
        self.fault: str | None = None
        """Why the last one was not made; None when it was."""

    def look(self, newest_ms: int | None) -> None:
        """`newest_ms`: when the newest backup that counts began; None without one."""
        if self._child is not None:
            if self._child.poll() is None:
                return
            self._ended(self._child)
            self._child = None
            return  # what it made is read first
        due = last_due_ms(self._clock.wall_ms(), self._at, self._zone)
        if (newest_ms is None or newest_ms < due) and self._clock.mono_s() >= self._not_before_s:
            self._not_before_s = self._clock.mono_s() + RETRY_S
            self._child = subprocess.Popen(
                [sys.executable, "-m", "hub.backup", "--dir", str(self._folder)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
            )

    def stop(self) -> None:
        """End one that is being made: nothing half-written counts, and the next start makes up for it."""
        if self._child is None or self._child.poll() is not None:
            return
        self._child.terminate()
        try:
            self._child.wait(END_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def _ended(self, child: subprocess.Popen[str]) -> None:
        said, _ = child.communicate()
        self.fault = None if child.returncode == 0 else said.strip() or "backup.failed"
        if self.fault is not None:
            self._failed(self.fault)
