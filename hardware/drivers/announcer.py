"""One area's loudspeaker: a queue of calls, one heard after the other, music under them turned down."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable
from typing import Literal, Protocol

from hardware.codecs import waves
from hardware.codecs.announcement import Announcement
from hardware.drivers.supervisor import Device
from sync.kernel.outcome import Unavailable

DUCKED = 0.2
RAMP_BLOCKS = 6
LOOK_S = 2.0
MUSIC_WAIT_S = waves.BLOCK / waves.RATE / 2
"""Between two blocks of music: a loudspeaker that takes everything at once is not given it as fast as it can."""
SAID_KEPT = 1000

Heard = Callable[[str, Literal["played", "cut", "failed"]], None]


class SoundOut(Protocol):
    """A loudspeaker. `write` blocks about as long as the sound lasts; both raise `Unavailable` when it is gone."""

    def write(self, sound: array[int]) -> None: ...

    def drain(self) -> None:
        """A call is over: what was written is heard to its end, also where nothing follows."""

    def look(self) -> None:
        """Whether it is still there, while nothing is said."""

    def close(self) -> None: ...


class Announcer:
    """A session for `supervisor.Keeper`, which also shows by `device` when it speaks.

    `say` from any thread. Each call ends with one word to `heard(call_id, …)`, in this announcer's thread.

    played: every sample went out. cut: somebody cancelled it. failed: it could not be read out; a loudspeaker that is
    gone is waited for, and the call it fell silent in is said again from its beginning.
    """

    def __init__(
        self,
        device: Device,
        open_out: Callable[[], SoundOut],
        speak: Callable[[Announcement], array[int]],
        heard: Heard,
        *,
        chime: bool = True,
        music: array[int] | None = None,
        gain: float = 1.0,
    ) -> None:
        self._device = device
        self._open_out = open_out
        self._speak = speak
        self._heard = heard
        self._chime = waves.louder(waves.chime(), gain) if chime else waves.samples()
        self._music = music or None
        self._gain = gain
        self._at = 0
        self._level = 1.0
        self._changed = threading.Condition()
        self._waiting: list[Announcement] = []
        self._known: dict[str, None] = {}
        self._cut: set[str] = set()
        self._dropped = False
        self._closed = False

    def run(self, opened: Callable[[], None]) -> None:
        with self._changed:
            self._dropped = self._closed
        out = self._open_out()
        try:
            opened()
            while True:
                self._step(out)
        finally:
            out.close()

    def drop(self) -> None:
        """What is being said falls silent within a block, and is said again from its beginning at the next `run`."""
        with self._changed:
            self._dropped = True
            self._changed.notify_all()

    def close(self) -> None:
        """As `drop`; what waits is not said."""
        with self._changed:
            self._closed = True
        self.drop()

    def say(self, announcement: Announcement) -> bool:
        """False for a call that was taken before: it is not said twice. Urgent ones go before the others that wait."""
        with self._changed:
            if announcement.call_id in self._known:
                return False
            self._known[announcement.call_id] = None
            while len(self._known) > SAID_KEPT:
                del self._known[next(iter(self._known))]
            at = len(self._waiting)
            if announcement.urgent:
                at = next((n for n, other in enumerate(self._waiting) if not other.urgent), at)
            self._waiting.insert(at, announcement)
            self._changed.notify_all()
            return True

    def cancel(self, call_id: str) -> None:
        """One that waits goes; one that is heard falls silent within a block."""
        with self._changed:
            self._cut.add(call_id)
            self._changed.notify_all()

    def _step(self, out: SoundOut) -> None:
        with self._changed:
            idle_s = LOOK_S if self._music is None else MUSIC_WAIT_S
            self._changed.wait_for(lambda: self._dropped or self._waiting or self._cut, idle_s)
            call = self._waiting[0] if self._waiting and not self._dropped else None
            if call is None:
                self._cut.clear()
        if self._dropped:
            raise Unavailable("device.closed")
        if call is None:
            out.look()
            if self._music is not None:
                out.write(self._under(waves.silence(waves.BLOCK / waves.RATE)))
            return
        if call.call_id not in self._cut:
            try:
                said = self._chime + waves.louder(self._speak(call), self._gain)
            except Unavailable:
                self._end(call, "failed")
                return
            self._device.say("busy")
            for start in range(0, len(said), waves.BLOCK):
                if self._dropped:
                    raise Unavailable("device.closed")
                if call.call_id in self._cut:
                    break
                out.write(self._under(said[start : start + waves.BLOCK], ducked=True))
            else:
                if self._music is None:  # which else pushes the last word out, without a gap
                    out.drain()
                self._end(call, "played")
                return
        self._end(call, "cut")

    def _end(self, call: Announcement, how: Literal["played", "cut", "failed"]) -> None:
        with self._changed:
            self._waiting.remove(call)
            self._cut.discard(call.call_id)
        self._device.say("ready")
        self._heard(call.call_id, how)

    def _under(self, samples_out: array[int], ducked: bool = False) -> array[int]:
        """A block with the music under it, which falls and rises over a few blocks instead of at once."""
        if self._music is None:
            return samples_out
        aim = DUCKED if ducked else 1.0
        step = (1.0 - DUCKED) / RAMP_BLOCKS
        self._level += max(-step, min(step, aim - self._level))
        piece = waves.samples()
        while len(piece) < len(samples_out):
            taken = self._music[self._at : self._at + len(samples_out) - len(piece)]
            self._at = (self._at + len(taken)) % len(self._music)
            piece += taken
        return waves.together(samples_out, waves.louder(piece, self._level * self._gain))
