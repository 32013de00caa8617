"""Looks at every machine and device of the stage once a second and tells the open pages when something changed."""

from __future__ import annotations

import threading

from kiosk_ui.kit.events import EventHub
from provisioning.demo.landing import machines
from provisioning.demo.landing.happenings import Happenings, Reading, compare
from provisioning.demo.landing.machines import Machine
from provisioning.demo.stage import Stage, Station
from sync.adapters.clock import Clock

EVERY_S = 1.0
MACHINES, DEVICES = "machines", "devices"
"""Topics: a row or the list of what happened has changed; a twin has changed."""


class Watcher:
    """`readings` and `happenings` may be read at any time; `look` is one look, which `start` repeats."""

    def __init__(self, stage: Stage, events: EventHub, clock: Clock) -> None:
        self._stage = stage
        self._events = events
        self._clock = clock
        self._stop = threading.Event()
        self._turn = threading.Lock()
        self.happenings = Happenings()
        self.readings = {station.name: Reading(Machine(station.name), "up") for station in stage.stations}
        self._thread = threading.Thread(target=self._run, name="landing-watcher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(machines.ASK_S * len(self.readings) + EVERY_S)

    def look(self) -> None:
        """Read everything once; what differs is kept as a happening and published."""
        with self._turn:
            rows_changed = devices_changed = False
            for station in self._stage.stations:
                before, now_ms = self.readings[station.name], self._clock.wall_ms()
                after = self._read(station, before, now_ms)
                self.readings[station.name] = after
                self.happenings.add(compare(before, after, now_ms))
                rows_changed |= (before.mode, _shown(before.machine)) != (after.mode, _shown(after.machine))
                devices_changed |= _devices(before) != _devices(after)
            if rows_changed or devices_changed:
                self._events.publish(MACHINES, {})
            if devices_changed:
                self._events.publish(DEVICES, {})

    def _read(self, station: Station, before: Reading, now_ms: int) -> Reading:
        slips = station.printer.slips if station.printer else []
        whole = sum(1 for slip in slips if slip["complete"])
        return Reading(
            machine=machines.ask(station.name, station.base_url, now_ms, before.machine),
            mode=self._stage.relay.line(station.name).mode,
            scans=sent(station),
            slips=whole,
            half_slips=len(slips) - whole,
            labels=len(station.label_printer.labels) if station.label_printer else 0,
            sheets=len(station.office.printer.sheets) if station.office else 0,
            presses=station.desk.pedal.presses if station.desk else 0,
        )

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            self.look()


def sent(station: Station) -> tuple[str, ...]:
    """Every code that this machine's gun has read, in order, without its terminator."""
    return tuple(raw.decode("utf-8", "replace").strip("\r\n") for raw, _ in tuple(station.gun.sent))


def _shown(machine: Machine) -> tuple[object, ...]:
    return machine.state, machine.ledger


def _devices(reading: Reading) -> tuple[object, ...]:
    return reading.scans, reading.slips, reading.half_slips, reading.labels, reading.sheets, reading.presses
