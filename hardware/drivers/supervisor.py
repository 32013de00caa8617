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

    def drop(self) -> None:
        """The present `run` ends; it may be called again. From any thread."""

    def close(self) -> None: ...


class Keeper:
    """A thread that runs a session again and again: absent when it never opened, lost when it had been ready.

    Between two tries it waits with jitter, or until somebody says that the device was plugged in.
    """

    def __init__(self, device: Device, session: Session, draw: Callable[[], float]) -> None:
        self._device = device
        self._session = session
        self._draw = draw
        self._stop = threading.Event()
        self._turn = threading.Event()
        self._pulled = False
        self._failures = 0
        self._known = False
        self._thread = threading.Thread(target=self._run, name=f"device-{device.view.name}", daemon=True)

    @property
    def device(self) -> Device:
        return self._device

    def start(self) -> None:
        self._thread.start()

    def plugged(self) -> None:
        """Its node has appeared: it is opened now. From any thread, as are the others."""
        self._turn.set()

    def unplugged(self) -> None:
        """Its node is gone. A kernel says so to the reader, too, but not always first."""
        self._pulled = True
        self._device.say("lost" if self._known else "absent", "device.unplugged")
        self._session.drop()

    def switch(self, on: bool) -> None:
        """Off: closed and left alone, whatever is plugged in. On: opened at once."""
        if on:
            self._device.enable()
            self._turn.set()
        else:
            self._device.disable()
            self._session.drop()

    def close(self) -> None:
        self._stop.set()
        self._turn.set()
        self._session.close()
        if self._thread.ident is not None:
            self._thread.join(timeout=10.0)

    def _run(self) -> None:
        self._device.say("opening")
        while not self._stop.is_set():
            if self._device.view.state == "disabled":
                self._turn.wait()
                self._turn.clear()
                continue
            self._pulled = False
            try:
                self._session.run(self._opened)
            except Unavailable as fault:
                reason = "device.unplugged" if self._pulled else fault.code
                self._device.say("lost" if self._known else "absent", reason)
            except BaseException:
                self._device.say("lost", "fault")
                raise
            if self._turn.wait(backoff_s(self._failures, self._draw)):
                self._turn.clear()
                self._failures = 0
            else:
                self._failures += 1

    def _opened(self) -> None:
        self._failures = 0
        self._known = True
        self._device.say("ready")
        if self._device.view.state == "disabled":
            self._session.drop()  # it was switched off while it opened


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

    def remove(self, name: str) -> None:
        """It hangs on this machine no more."""
        self._devices.pop(name, None)

    def views(self) -> tuple[DeviceView, ...]:
        """Every device, in the order it was added."""
        return tuple(device.view for device in list(self._devices.values()))
