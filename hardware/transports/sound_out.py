"""ALSA's `aplay` as a loudspeaker: it reads samples from a pipe and takes as long as they last."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from array import array

from hardware.codecs import waves
from sync.kernel.outcome import Unavailable


class AplayOut:
    """`device` as ALSA names it (`default`, `plughw:1,0`)."""

    def __init__(self, device: str) -> None:
        program = shutil.which("aplay")
        if program is None:
            raise Unavailable("sound.no-player", retry_s=60.0)
        self._player = subprocess.Popen(
            [program, "-q", "-D", device, "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(waves.RATE)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, bufsize=0,
        )  # fmt: skip

    def write(self, sound: array[int]) -> None:
        assert self._player.stdin is not None
        try:
            self._player.stdin.write(waves.to_bytes(sound))
        except OSError:
            raise Unavailable("device.gone") from None

    def close(self) -> None:
        assert self._player.stdin is not None
        with contextlib.suppress(OSError):
            self._player.stdin.close()
        try:
            self._player.wait(timeout=5.0)
        except subprocess.TimeoutExpired:
            self._player.kill()
            self._player.wait()
