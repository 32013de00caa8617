"""ALSA's `aplay` as a loudspeaker: it reads samples from a pipe and takes as long as they last."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
from array import array
from pathlib import Path

from hardware.codecs import waves
from sync.kernel.outcome import Unavailable

BUFFER_S = 0.5
"""As much as aplay buffers. Source: aplay(1), --buffer-time: 0.5 s at most where nothing is said."""
REFUSED_S = 0.3
"""A player opens its device first; one that still runs after so long has it."""
_CARD = re.compile(r"CARD=(\w+)|hw:(\w+)")


class AplayOut:
    """`device` as ALSA names it (`default`, `plughw:1,0`)."""

    def __init__(self, device: str) -> None:
        program = shutil.which("aplay")
        if program is None:
            raise Unavailable("sound.no-player", retry_s=60.0)
        self._device = device
        self._player = subprocess.Popen(
            [program, "-q", "-D", device, "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(waves.RATE)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, bufsize=0,
        )  # fmt: skip
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._player.wait(timeout=REFUSED_S)
            self.close()
            raise Unavailable("device.gone", retry_s=2.0)

    def write(self, sound: array[int]) -> None:
        assert self._player.stdin is not None
        try:
            self._player.stdin.write(waves.to_bytes(sound))
        except OSError:
            raise Unavailable("device.gone") from None

    def drain(self) -> None:
        """A player plays in whole pieces and begins with a full buffer: silence pushes the last word out."""
        self.write(waves.silence(BUFFER_S))

    def look(self) -> None:
        """A player that ended had no device to play on; a card that was pulled out leaves its folder."""
        if self._player.poll() is not None or not _card_there(self._device):
            raise Unavailable("device.gone")

    def close(self) -> None:
        assert self._player.stdin is not None
        with contextlib.suppress(OSError):
            self._player.stdin.close()
        try:
            self._player.wait(timeout=5.0)
        except subprocess.TimeoutExpired:
            self._player.kill()
            self._player.wait()


def _card_there(device: str) -> bool:
    """Source: Linux kernel, sound/core/info.c: a card has `/proc/asound/cardN` and a link by its id."""
    found = _CARD.search(device)
    if found is None:
        return True
    card = found[1] or found[2]
    return Path("/proc/asound", f"card{card}" if card.isdigit() else card).exists()
