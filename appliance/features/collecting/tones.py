"""The tone port: one word a verdict to whatever makes the noise, before any screen is drawn."""

from __future__ import annotations

import os
from typing import Final

TONES: Final = {
    "good": "one-high",
    "duplicate": "one-low",
    "wrong_ward": "two-short",
    "not_discharged": "two-short",
    "taken": "two-short",
    "sealed": "two-long",
    "choose": "two-short",
}
OTHERWISE: Final = "three-low"


class TonePort:
    """Writes a line to a beeper's device (or a FIFO); a missing or stuck beeper never holds a scan up."""

    def __init__(self, path: str) -> None:
        self._fd = -1
        if path:
            try:
                self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
            except OSError:
                self._fd = -1

    def sound(self, verdict: str) -> None:
        if self._fd >= 0:
            try:
                os.write(self._fd, TONES.get(verdict, OTHERWISE).encode() + b"\n")
            except OSError:
                self.close()

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
