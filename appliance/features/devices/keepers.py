"""Devices of a box that are no gun and no printer, each opened again and again by a keeper of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from hardware.drivers.opening import node_of
from hardware.drivers.plugs import Plugs
from hardware.drivers.supervisor import Device, Keeper, Session, Supervisor
from hardware.ports import Plug, Wanted

S = TypeVar("S", bound=Session)


@dataclass(slots=True)
class Kept:
    """`node` is what was plugged in for it last."""

    keeper: Keeper
    url: str
    wanted: Wanted | None
    node: str = ""

    def is_at(self, plug: Plug) -> bool:
        if self.wanted is not None:
            return self.wanted.fits(plug)
        return bool(self.url) and plug.path == node_of(self.url)


def made(session: S) -> Callable[[Device], S]:
    """For `keep`: a session that says nothing of its device itself."""
    return lambda device: session


class Keepers:
    """Opened by `start`, shut by `close`; a device whose node comes is opened now, one whose node goes is lost now."""

    def __init__(self, supervisor: Supervisor, plugs: Plugs, draw: Callable[[], float]) -> None:
        self._supervisor = supervisor
        self._plugs = plugs
        self._draw = draw
        self._kept: dict[str, Kept] = {}
        plugs.listen(self._changed)

    def keep(self, role: str, name: str, make: Callable[[Device], S], url: str, wanted: Wanted | None) -> S:
        """`name` is unique among all devices of this box."""
        device = self._supervisor.add(role, name)
        session = make(device)
        self._kept[name] = Kept(Keeper(device, session, self._draw), url, wanted)
        return session

    def __contains__(self, name: object) -> bool:
        return name in self._kept

    def nodes(self) -> Iterator[str]:
        """Where those hang that the settings name by what they are."""
        wanted = [kept.wanted for kept in self._kept.values() if kept.wanted is not None]
        return (plug.path for plug in self._plugs.all() if any(each.fits(plug) for each in wanted))

    def switch(self, name: str, on: bool) -> bool:
        """False where none has this name."""
        kept = self._kept.get(name)
        if kept is None:
            return False
        kept.keeper.switch(on)
        return True

    def start(self) -> None:
        for kept in self._kept.values():
            kept.keeper.start()

    def close(self) -> None:
        self._plugs.forget(self._changed)
        for kept in self._kept.values():
            kept.keeper.close()

    def _changed(self, plug: Plug, here: bool) -> None:
        for kept in self._kept.values():
            if here and kept.is_at(plug):
                kept.node = plug.path
                kept.keeper.plugged()
            elif not here and plug.path == kept.node:
                kept.keeper.unplugged()
