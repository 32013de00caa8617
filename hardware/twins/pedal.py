"""A foot switch whose key events come over a socket, in the kernel's own shape: a stand-in where no input device is.

Under umockdev `HidGunTwin` is one, too: a foot switch is a keyboard with one key.
"""

from __future__ import annotations

from hardware.codecs.keymap import DOWN, EV_KEY, INPUT_EVENT, UP
from hardware.twins.serial_gun import SerialGunTwin

REPEAT = 2


class PedalTwin:
    """Whoever opens `url` hears what is pressed. `code` is the key it types, KEY_B as most ship."""

    def __init__(self, port: int = 0, code: int = 48) -> None:
        self._line = SerialGunTwin(port)
        self._code = code
        self.presses = 0
        self.start, self.close = self._line.start, self._line.close
        self.unplug, self.plug = self._line.unplug, self._line.plug
        self.wait_connected = self._line.wait_connected

    @property
    def port(self) -> int:
        return self._line.port

    @property
    def url(self) -> str:
        return self._line.url

    def press(self, held: int = 0, code: int | None = None) -> None:
        """Down, as many repeats as a foot that stays gives, up. ConnectionError when nobody listens."""
        key = self._code if code is None else code
        values = (DOWN, *(REPEAT,) * held, UP)
        events = [event for value in values for event in ((EV_KEY, key, value), (0, 0, 0))]
        self._line.send(b"".join(INPUT_EVENT.pack(0, 0, *event) for event in events))
        self.presses += 1
