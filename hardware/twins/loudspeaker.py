"""A loudspeaker that writes down what it was given: a stand-in, both ends are ours."""

from __future__ import annotations

import threading
import wave
from array import array
from pathlib import Path

from hardware.codecs import waves
from sync.kernel.outcome import Unavailable


class LoudspeakerTwin:
    """Open it with `plug`; `unplug` makes every write fail, also of one that is open. `pace` 0 takes no time."""

    def __init__(self, pace: float = 0.0) -> None:
        self._pace = pace
        self._changed = threading.Condition()
        self._gone = False
        self.heard = waves.samples()

    def plug(self) -> LoudspeakerTwin:
        if self._gone:
            raise Unavailable("device.gone")
        return self

    def unplug(self) -> None:
        with self._changed:
            self._gone = True

    def mend(self) -> None:
        with self._changed:
            self._gone = False

    def write(self, sound: array[int]) -> None:
        with self._changed:
            if self._gone:
                raise Unavailable("device.gone")
            self.heard += sound
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._gone, self._pace * len(sound) / waves.RATE)

    def drain(self) -> None:
        """It holds nothing back."""

    def look(self) -> None:
        with self._changed:
            if self._gone:
                raise Unavailable("device.gone")

    def wait_heard(self, span_s: float, timeout_s: float = 30.0) -> bool:
        """Whether so much was given to it in time."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.heard) >= span_s * waves.RATE, timeout_s)

    def close(self) -> None:
        """The paper of it stays."""

    def save(self, place: Path) -> None:
        """All that was heard, as a WAVE file."""
        with wave.open(str(place), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(waves.RATE)
            file.writeframes(waves.to_bytes(self.heard))
