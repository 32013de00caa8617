"""A code that gives whoever scans it a role.

While it is asked, and then alone, what could be a gun is listened to, ungrabbed: a keyboard goes on typing where it
typed, and what was typed is compared with the code and forgotten.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import partial

from hardware.drivers.gun import Gun, hid_gun, serial_gun
from hardware.drivers.plugs import Plugs
from hardware.ports import Plug, Scan, ScanTrouble
from hardware.transports.evdev_input import InputStream
from hardware.transports.serial_url import SerialStream
from sync.kernel.outcome import Unavailable


class Pairing:
    """A code that waits to be scanned. It ends when it was, when its time is over, or by `close`."""

    def __init__(
        self,
        name: str,
        code: str,
        until_mono_s: float,
        lasts_s: float,
        plugs: Plugs,
        free: Callable[[Iterable[Plug]], list[Plug]],
        paired: Callable[[Plug], None],
        ended: Callable[[], object],
    ) -> None:
        self.name = name
        self.code = code
        self.until_mono_s = until_mono_s
        self._plugs = plugs
        self._free = free
        self._paired = paired
        self._ended = ended
        self._lock = threading.Lock()
        self._ears: dict[str, Gun] = {}
        self._over = threading.Event()
        self._timer = threading.Timer(lasts_s, self.close)
        self._timer.daemon = True
        self._timer.start()
        plugs.listen(self._changed)
        for plug in free(plugs.all()):
            self._hear(plug)

    @property
    def over(self) -> bool:
        return self._over.is_set()

    @property
    def ears(self) -> int:
        """How many things are listened to."""
        return len(self._ears)

    def close(self) -> None:
        with self._lock:
            if self._over.is_set():
                return
            self._over.set()
            ears = list(self._ears.values())
        self._timer.cancel()
        self._plugs.forget(self._changed)
        for ear in ears:
            ear.close()
        self._ended()

    def _changed(self, plug: Plug, here: bool) -> None:
        if here and plug in self._free([plug, *self._plugs.all()]):
            self._hear(plug)
        elif not here:
            with self._lock:
                ear = self._ears.pop(plug.path, None)
            if ear is not None:
                ear.close()

    def _hear(self, plug: Plug) -> None:
        if plug.line == "hid":
            ear = hid_gun(plug.path, lambda: InputStream(plug.path, grab=False), partial(self._heard, plug), _nothing)
        else:
            ear = serial_gun(plug.path, lambda: SerialStream(plug.path), partial(self._heard, plug), _nothing)
        with self._lock:
            if self._over.is_set() or plug.path in self._ears:
                return
            self._ears[plug.path] = ear
        threading.Thread(target=_listen, args=(ear,), name=f"pairing-{plug.path}", daemon=True).start()

    def _heard(self, plug: Plug, scan: Scan) -> None:
        """Whatever else was typed meanwhile is compared and forgotten."""
        if scan.text != self.code or self._over.is_set():
            return
        self.close()
        # Not in this thread: it still holds the node open until it returns.
        threading.Thread(target=self._paired, args=(plug,), name="paired", daemon=True).start()


def _listen(ear: Gun) -> None:
    try:
        ear.run(lambda: None)
    except Unavailable:
        return


def _nothing(trouble: ScanTrouble) -> None:
    """What was no code is nobody's."""
