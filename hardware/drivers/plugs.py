"""What is plugged in now, and which of it is whose.

A role is bound to an identity: socket, maker, model and, where there is one, serial number. All of it has to fit. What
hangs elsewhere, or is another thing on the same socket, is named as such and never taken in its place.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable

from hardware.ports import Identity, Plug, Wanted
from sync.kernel.outcome import Unavailable

SCANS = ("hid", "serial")
Change = Callable[[Plug, bool], None]
"""(what, whether it is there now), in the thread that noticed."""


class Plugs:
    """The table of nodes, fed by a watch. Every call may come from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_path: dict[str, Plug] = {}
        self._listeners: list[Change] = []

    def listen(self, change: Change) -> None:
        with self._lock:
            self._listeners.append(change)

    def forget(self, change: Change) -> None:
        with self._lock:
            self._listeners = [each for each in self._listeners if each != change]

    def plugged(self, plug: Plug) -> None:
        """A node appeared, or was looked up again: the same twice tells nobody anything."""
        with self._lock:
            if self._by_path.get(plug.path) == plug:
                return
            self._by_path[plug.path] = plug
            listeners = list(self._listeners)
        for told in listeners:
            told(plug, True)

    def unplugged(self, path: str) -> None:
        with self._lock:
            plug = self._by_path.pop(path, None)
            listeners = list(self._listeners)
        if plug is not None:
            for told in listeners:
                told(plug, False)

    def all(self) -> tuple[Plug, ...]:
        with self._lock:
            return tuple(sorted(self._by_path.values(), key=lambda plug: plug.path))

    def locate(self, identity: Identity, line: str) -> Plug:
        """The node of a bound device.

        Unavailable `device.unplugged`; `device.elsewhere`: it, or its like, hangs on another socket; `device.other`:
        something else hangs on its own.
        """
        elsewhere = other = False
        for plug in self.all():
            if plug.line != line:
                continue
            if plug.identity == identity:
                return plug
            same = _model(plug.identity) == _model(identity)
            elsewhere |= same and plug.identity.port != identity.port
            other |= plug.identity.port == identity.port
        raise Unavailable("device.other" if other else "device.elsewhere" if elsewhere else "device.unplugged", 2.0)

    def find(self, wanted: Wanted) -> Plug:
        """The node of a thing that the settings name.

        Unavailable as `locate`; `device.two` where two fit and the settings do not say which.
        """
        there = self.all()
        fitting = [plug for plug in there if wanted.fits(plug)]
        if len({plug.usb for plug in fitting}) > 1:
            raise Unavailable("device.two", 2.0)
        if fitting:
            return fitting[0]
        other = any(plug.line == wanted.line and plug.identity.port == wanted.port for plug in there)
        elsewhere = any(wanted.like(plug) for plug in there)
        raise Unavailable("device.other" if other else "device.elsewhere" if elsewhere else "device.unplugged", 2.0)


WANTED = re.compile(r"([0-9a-f]{4}):([0-9a-f]{4})(?::([^@]+))?(?:@(.+))?")


def wanted_of(text: str, line: str) -> Wanted | None:
    """`VENDOR:PRODUCT`, `VENDOR:PRODUCT:SERIAL`, either with `@PORT`, as `lsusb` and udev's ID_PATH write them."""
    found = WANTED.fullmatch(text)
    return None if found is None else Wanted(line, found[1], found[2], found[3] or "", found[4] or "")


def _model(identity: Identity) -> tuple[str, str, str]:
    return identity.vendor, identity.product, identity.serial


def candidates(plugs: Iterable[Plug], bound: Iterable[Identity], taken: Iterable[str]) -> list[Plug]:
    """What may be listened to while a role is paired: not what has a role, nor another interface of such a thing.

    Only what types or is a serial port: nothing else scans codes.

    `taken`: paths that the settings name, with links resolved.
    """
    shown, held, paths = list(plugs), set(bound), set(taken)
    things = {plug.usb for plug in shown if plug.identity in held or plug.path in paths}
    return [plug for plug in shown if plug.usb not in things and plug.line in SCANS]
