"""All guns of a machine: those at a place of their own, those bound to a socket, and the pairing of new ones.

A gun is bound by scanning a code that the screen shows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from hardware import profiles
from hardware.codecs.scan_assembler import LineAssembler
from hardware.drivers.gun import Gun, KeyBytes, await_caller, settled
from hardware.drivers.heard import Heard
from hardware.drivers.opening import HID, host_and_port, node_of, opener
from hardware.drivers.pairing import Pairing
from hardware.drivers.plugs import Plugs, candidates
from hardware.drivers.supervisor import Device, Keeper, Supervisor
from hardware.ports import ByteStream, GunListener, Identity, Plug, Scan, ScanTrouble, TroubleListener
from hardware.profiles import Profile
from hardware.transports.evdev_input import InputStream
from hardware.transports.listener import Listening
from hardware.transports.serial_url import SerialStream

GUN = "gun"
LISTEN = "listen://"
WORKING = ("ready", "busy", "disabled")

Open = Callable[[], ByteStream]
Settle = Callable[[ByteStream], None]
Listened = Callable[[str, str, Open], Open]
"""(name of the gun, hid or bytes, what opens its line) -> what is opened instead."""


@dataclass(slots=True)
class _Place:
    """One gun of this machine. `node`: where it was opened last."""

    device: Device
    keeper: Keeper | None = None
    identity: Identity | None = None
    line: str = ""
    url: str = ""
    node: str = ""
    profile: Profile | None = None
    heard: Heard = field(default_factory=Heard)


class GunRack:
    """Opened by `start`, shut by `close`. `taken`: addresses of other devices, which are never listened to.

    `listened` may put a recorder between a line and its driver.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        plugs: Plugs,
        *,
        on_scan: GunListener,
        on_trouble: TroubleListener,
        mono_s: Callable[[], float],
        draw: Callable[[], float],
        taken: Callable[[], Iterable[str]] = tuple,
        listened: Listened = lambda name, line, open_it: open_it,
    ) -> None:
        self._supervisor = supervisor
        self._plugs = plugs
        self._on_scan = on_scan
        self._on_trouble = on_trouble
        self._mono_s = mono_s
        self._draw = draw
        self._taken = taken
        self._listened = listened
        self._lock = threading.RLock()
        self._places: dict[str, _Place] = {}
        self._listening: list[Listening] = []
        self._pairing: Pairing | None = None
        self._started = False

    def add(self, name: str, url: str, profile: str = "") -> None:
        """A gun that the settings know. Without an address it waits until one is paired under its name.

        `profile`: the model's; of its kind of line where none is given. KeyError for a profile that nobody ships.
        """
        line = "network" if url.startswith(LISTEN) else "hid" if url.startswith(HID) else "serial"
        told = profiles.load(profile or f"{line}-gun")
        place = _Place(self._supervisor.add(GUN, name), url=url, profile=told)
        self._places[name] = place
        if not url:
            place.device.say("absent", "device.unpaired")
        elif line == "network":
            listening = Listening(*host_and_port(url))
            self._listening.append(listening)
            self._keep(name, place, self._gun(name, "bytes", listening.open, told.silence_s, settle=await_caller))
        else:
            place.line = line
            opened = self._noted(place, url, told.baud)
            self._keep(name, place, self._gun(name, line, opened, told.silence_s))

    def bind(self, name: str, plug_line: str, identity: Identity) -> None:
        """From now on this thing on this socket is the gun called `name`; what had the name before has it no more."""
        with self._lock:
            place = self._places.get(name)
            if place is None:
                place = self._places[name] = _Place(self._supervisor.add(GUN, name))
            if place.keeper is not None:
                place.keeper.close()
            place.identity, place.line, place.url, place.heard = identity, plug_line, "", Heard()
            told = place.profile or profiles.load(f"{plug_line}-gun")
            open_bound = partial(self._open_bound, place, identity, plug_line, told.baud)
            self._keep(name, place, self._gun(name, plug_line, open_bound, told.silence_s))

    def _gun(self, name: str, line: str, open_it: Open, silence_s: float, settle: Settle = settled) -> Gun:
        make = partial(KeyBytes if line == "hid" else LineAssembler, name, silence_s)
        heard = partial(self._scanned, name)
        return Gun(self._listened(name, line, open_it), make, heard, self._troubled, settle=settle)

    def unbind(self, name: str) -> None:
        """The gun called `name` is let go; what the settings name stays and waits for another."""
        with self._lock:
            place = self._places[name]
            if place.keeper is not None:
                place.keeper.close()
            place.keeper = place.identity = None
            if place.profile is None:
                del self._places[name]
                self._supervisor.remove(name)
                return
            place.device.enable()
            place.device.say("absent", "device.unpaired")

    def _keep(self, name: str, place: _Place, gun: Gun) -> None:
        place.keeper = Keeper(place.device, gun, self._draw)
        if self._started:
            place.keeper.start()

    def _noted(self, place: _Place, url: str, baud: int) -> Open:
        open_it = opener(url, baud)

        def opened() -> ByteStream:
            place.node = node_of(url)
            return open_it()

        return opened

    def _open_bound(self, place: _Place, identity: Identity, line: str, baud: int) -> ByteStream:
        place.node = self._plugs.locate(identity, line).path
        return InputStream(place.node) if line == "hid" else SerialStream(place.node, baud)

    def start(self) -> None:
        with self._lock:
            self._started = True
            self._plugs.listen(self._changed)
            for place in self._places.values():
                if place.keeper is not None:
                    place.keeper.start()

    def close(self) -> None:
        self.stop_pairing()
        self._plugs.forget(self._changed)
        with self._lock:
            places = list(self._places.values())
        for place in places:
            if place.keeper is not None:
                place.keeper.close()
        for listening in self._listening:
            listening.close()

    def _changed(self, plug: Plug, here: bool) -> None:
        """Whatever came may be what somebody waits for; what went is known by where it was opened."""
        with self._lock:
            places = list(self._places.values())
        for place in places:
            if place.keeper is None:
                continue
            if here and place.device.view.state not in WORKING:
                place.keeper.plugged()
            elif not here and plug.path in (place.node, node_of(place.url)):
                place.keeper.unplugged()

    def switch(self, name: str, on: bool) -> bool:
        """Off: closed and let alone. False where no gun has this name, or none is bound to it."""
        with self._lock:
            place = self._places.get(name)
        if place is None or place.keeper is None:
            return False
        place.keeper.switch(on)
        return True

    def names(self) -> tuple[str, ...]:
        return tuple(self._places)

    def identity(self, name: str) -> Identity | None:
        """What is bound under this name; None for a gun that the settings place."""
        place = self._places.get(name)
        return None if place is None else place.identity

    def heard(self, name: str) -> Heard:
        """Nothing yet of a gun that was let go meanwhile."""
        place = self._places.get(name)
        return Heard() if place is None else place.heard

    def _scanned(self, name: str, scan: Scan) -> None:
        if self._pairing is not None and scan.text == self._pairing.code:
            return  # this one has a role already, and nobody else has a use for the code
        place = self._places[name]
        place.heard = place.heard.scanned(scan, self._mono_s())
        self._on_scan(scan)

    def _troubled(self, trouble: ScanTrouble) -> None:
        place = self._places[trouble.device]
        place.heard = place.heard.troubled(trouble, self._mono_s())
        self._on_trouble(trouble)

    @property
    def pairing(self) -> Pairing | None:
        """The one that is open now."""
        held = self._pairing
        return None if held is None or held.over else held

    def pair(
        self,
        name: str,
        code: str,
        lasts_s: float,
        paired: Callable[[Plug], None],
        ended: Callable[[], object] = lambda: None,
    ) -> Pairing:
        """Listen for `code` until somebody scans it, then say with what; a pairing that is open ends.

        `ended` is called however it ends, before `paired`.
        """
        self.stop_pairing()
        until_s = self._mono_s() + lasts_s
        self._pairing = Pairing(name, code, until_s, lasts_s, self._plugs, self._free, paired, ended)
        return self._pairing

    def stop_pairing(self) -> None:
        held, self._pairing = self._pairing, None
        if held is not None:
            held.close()

    def _free(self, plugs: Iterable[Plug]) -> list[Plug]:
        with self._lock:
            bound = [place.identity for place in self._places.values() if place.identity is not None]
            urls = [place.url for place in self._places.values() if place.url]
        return candidates(plugs, bound, {path for url in (*urls, *self._taken()) if (path := node_of(url))})
