"""Loudspeakers, one an area: calls are queued here, and a trial says one sentence."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Literal

from appliance.features.devices.desks.bench import Bench, Record
from appliance.features.devices.trials import Hand
from appliance.settings import Speaker
from hardware.codecs import waves
from hardware.codecs.announcement import Announcement, Word
from hardware.drivers.announcer import Announcer
from hardware.drivers.speech import Voice
from hardware.drivers.supervisor import Device
from hardware.transports.sound_out import AplayOut
from sync.kernel.outcome import PeerFault

ALSA = "alsa:"
MUSIC_BYTES_MAX = 32 * 1024 * 1024
"""Twelve minutes."""
SENTENCE = "这是试音，听得清这一句，喇叭就是好的。"
How = Literal["played", "cut", "failed"]


def music_of(path: str) -> array[int] | None:
    """None where there is none, or what is there cannot be played: calls are said all the same."""
    try:
        return waves.from_wave(Path(path).read_bytes()[:MUSIC_BYTES_MAX]) if path else None
    except (OSError, PeerFault):
        return None


class Speakers:
    """`say` puts a call into an area's queue. `heard` hears how each ended, in the announcer's thread."""

    def __init__(self, bench: Bench, told: Iterable[Speaker]) -> None:
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._trials: dict[str, Hand] = {}
        self._calls: dict[str, tuple[Announcement, Record]] = {}
        self._heard: list[Callable[[str, str, How], object]] = []
        self._by_name: dict[str, tuple[Announcer, Record]] = {}
        for each in told:
            announcer = bench.keep("speaker", each.name, partial(self._announcer, each), "")
            self._by_name[each.name] = (announcer, bench.record(each.name, "speaker"))
            bench.trials.offer(each.name, "sentence", partial(self._try, each.name))

    def _announcer(self, told: Speaker, device: Device) -> Announcer:
        voice = Voice(Path(told.voices) if told.voices else None)
        opened = partial(AplayOut, told.url.removeprefix(ALSA))
        ended = partial(self._ended, told.name)
        return Announcer(device, opened, voice.speak, ended, chime=told.chime, gain=told.gain,
                         music=music_of(told.music))  # fmt: skip

    def listen(self, heard: Callable[[str, str, How], object]) -> None:
        """`heard(area, call_id, how)`."""
        self._heard.append(heard)

    def say(self, name: str, call: Announcement) -> bool:
        """False for a call that was taken before, or an area without a loudspeaker."""
        found = self._by_name.get(name)
        if found is None:
            return False
        with self._lock:
            known = call.call_id in self._calls
            self._calls.setdefault(call.call_id, (call, found[1]))
        if found[0].say(call):
            return True
        if not known:
            with self._lock:
                self._calls.pop(call.call_id, None)
        return False

    def cancel(self, name: str, call_id: str) -> None:
        if name in self._by_name:
            self._by_name[name][0].cancel(call_id)

    def _ended(self, name: str, call_id: str, how: How) -> None:
        with self._lock:
            call, record = self._calls.pop(call_id, (None, None))
            hand = self._trials.pop(call_id, None)
        if call is not None and record is not None:
            # How much was said and how it ended; never what: calls hold names.
            chars = [[len(word.text), word.is_name] for word in call.words]
            record({"call": chars, "repeat": call.repeat, "rate": call.rate, "urgent": call.urgent, "end": how})
        if hand is not None:
            hand.end("done" if how == "played" else "failed", "" if how == "played" else "voice")
            return
        for told in self._heard:
            told(name, call_id, how)

    def _try(self, name: str, hand: Hand) -> None:
        call = Announcement(f"trial-{next(self._numbers)}", (Word(SENTENCE),), urgent=True)
        with self._lock:
            self._trials[call.call_id] = hand

        def stop() -> None:
            self.cancel(name, call.call_id)
            hand.end("stopped")  # also where the loudspeaker is away, and nobody says that it was cut

        hand.on_stop(stop)
        self.say(name, call)
