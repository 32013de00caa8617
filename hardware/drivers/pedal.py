"""A foot switch or a single key that says "now": it types one key, and only a bound one is listened to."""

from __future__ import annotations

from collections.abc import Callable, Collection

from hardware.codecs.keymap import DOWN, EV_KEY, read_events
from hardware.drivers.line_session import LineSession
from hardware.ports import ByteStream


class Pedal(LineSession):
    """`pressed(code)` hears each press of a key of `codes` once; holding is one.

    Codes are those of the kernel (`KEY_B` 48 is what most foot switches ship with). Releases and repeats are nothing.
    """

    def __init__(
        self, open_stream: Callable[[], ByteStream], codes: Collection[int], pressed: Callable[[int], None]
    ) -> None:
        super().__init__(open_stream)
        self._codes = frozenset(codes)
        self._pressed = pressed

    def _work(self, stream: ByteStream, opened: Callable[[], None]) -> None:
        opened()
        held = bytearray()
        while True:
            held += stream.read(None)
            for event in read_events(held):
                if event.type == EV_KEY and event.value == DOWN and event.code in self._codes:
                    self._pressed(event.code)
