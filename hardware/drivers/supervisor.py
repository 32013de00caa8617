"""How every device of a machine is, and who keeps opening those that go away.

A device begins absent and is ready only after somebody opened it; nobody having looked is never good news.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from hardware.ports import DeviceState, DeviceView
from sync.kernel.outcome import Unavailable

BACKOFF_BASE_S = 0.5
BACKOFF_S_MAX = 10.0


def backoff_s(failures: int, draw: Callable[[], float]) -> float:
    """Full jitter: anywhere between 0 and the doubled base. `draw` gives [0, 1)."""
    return draw() * min(BACKOFF_S_MAX, BACKOFF_BASE_S * 2.0 ** min(failures, 16))


class Device:
    """One device's entry. `say` may be called from any thread."""

    def __init__(
        self, role: str, name: str, mono_s: Callable[[], float], changed: Callable[[DeviceView], None]
    ) -> None:
        self._mono_s = mono_s
        self._changed = changed
        self._lock = threading.Lock()
        self._view = DeviceView(role, name, "absent", "not-tried", mono_s())

    @property
    def view(self) -> DeviceView:
        return self._view

    def say(self, state: DeviceState, reason: str = "") -> None:
        """A repeated state keeps its beginning. A disabled device stays so until `enable`."""
        with self._lock:
            before = self._view
            if before.state == "disabled" or (before.state, before.reason) == (state, reason):
                return
            since_s = before.since_mono_s if before.state == state else self._mono_s()
            self._view = after = replace(before, state=state, reason=reason, since_mono_s=since_s)
        self._changed(after)

    def disable(self) -> None:
        """Somebody switched it off; `Keeper` opens it no more."""
        self.say("disabled")

    def enable(self) -> None:
        with self._lock:
            if self._view.state != "disabled":
                return
            self._view = after = replace(self._view, state="absent", reason="not-tried", since_mono_s=self._mono_s())
        self._changed(after)


class Session(Protocol):
    """Something that opens a device and works until it is gone, as `gun.Gun` does."""

    def run(self, opened: Callable[[], None]) -> None:
        """Blocks; calls `opened()` once it works; ends by raising `Unavailable`."""

    def close(self) -> None: ...


class Keeper:
    """A thread that runs a session again and again: absent when it never opened, lost when it had been ready."""

    def __init__(self, device: Device, session: Session, draw: Callable[[], float]) -> None:
        self._device = device
        self._session = session
        self._draw = draw
        self._stop = threading.Event()
        self._failures = 0
        self._known = False
        self._thread = threading.Thread(target=self._run, name=f"device-{device.view.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._session.close()
        self._thread.join(timeout=10.0)

    def _run(self) -> None:
        self._device.say("opening")
        while not self._stop.is_set():
            if self._device.view.state != "disabled":
                try:
                    self._session.run(self._opened)
                except Unavailable as fault:
                    self._device.say("lost" if self._known else "absent", fault.code)
                except BaseException:
                    self._device.say("lost", "fault")
                    raise
            self._stop.wait(backoff_s(self._failures, self._draw))
            self._failures += 1

    def _opened(self) -> None:
        self._failures = 0
        self._known = True
        self._device.say("ready")


class Supervisor:
    """All devices of one machine. `changed` is called in the thread that noticed."""

    def __init__(self, mono_s: Callable[[], float], changed: Callable[[DeviceView], None] = lambda view: None) -> None:
        self._mono_s = mono_s
        self._changed = changed
        self._devices: dict[str, Device] = {}

    def add(self, role: str, name: str) -> Device:
        """`name` is unique on this machine."""
        assert name not in self._devices, name
        self._devices[name] = device = Device(role, name, self._mono_s, self._changed)
        return device

    def views(self) -> tuple[DeviceView, ...]:
        """Every device, in the order it was added."""
        return tuple(device.view for device in self._devices.values())
