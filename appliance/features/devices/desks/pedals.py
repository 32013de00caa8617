"""Foot switches: who listens is told of each press; the device page shows that they were pressed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from appliance.features.devices.desks.bench import Bench, Record
from appliance.features.devices.keepers import made
from appliance.features.devices.trials import Hand
from appliance.settings import Pedal as PedalSettings
from hardware import profiles
from hardware.drivers.opening import opener
from hardware.drivers.pedal import Pedal
from hardware.drivers.plugs import Plugs, wanted_of
from hardware.ports import ByteStream, Wanted
from hardware.transports.evdev_input import InputStream
from sync.kernel.outcome import Unavailable


@dataclass(slots=True)
class Presses:
    """Of one foot switch since this start."""

    count: int = 0
    last_mono_s: float = 0.0
    trial: Hand | None = None


class Pedals:
    def __init__(self, bench: Bench, told: Iterable[PedalSettings]) -> None:
        self._mono_s = bench.mono_s
        self._presses: dict[str, Presses] = {}
        self._listeners: list[Callable[[str], object]] = []
        for each in told:
            profile = profiles.load(each.profile)
            wanted = wanted_of(each.usb, "hid")
            pressed = partial(self._pressed, each.name, bench.record(each.name, "pedal"))
            session = Pedal(partial(_open, each.url, bench.plugs, wanted), each.keys or profile.keys, pressed)
            self._presses[each.name] = Presses()
            bench.keep("pedal", each.name, made(session), each.url, wanted)
            bench.trials.offer(each.name, "press", partial(self._try, each.name))

    def listen(self, pressed: Callable[[str], object]) -> None:
        """`pressed(name)` in the foot switch's own thread, at each press."""
        self._listeners.append(pressed)

    def presses(self, name: str) -> Presses | None:
        return self._presses.get(name)

    def _pressed(self, name: str, record: Record, code: int) -> None:
        """Only keys that count get here, so that nothing else that was typed can be in a recording."""
        record({"press": code})
        presses = self._presses[name]
        presses.count, presses.last_mono_s = presses.count + 1, self._mono_s()
        trial, presses.trial = presses.trial, None
        if trial is not None:
            trial.end("done")
        for told in self._listeners:
            told(name)

    def _try(self, name: str, hand: Hand) -> None:
        self._presses[name].trial = hand
        hand.on_stop(lambda: hand.end("stopped"))


def _open(url: str, plugs: Plugs, wanted: Wanted | None) -> ByteStream:
    """Taken for the box alone: what the settings name is no keyboard for anything else."""
    if wanted is not None:
        return InputStream(plugs.find(wanted).path)
    if not url:
        raise Unavailable("device.unplugged", 10.0)
    return opener(url)()
