"""A foot switch or a single key that says "now": it types one key, and only a bound one is listened to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

from hardware.codecs.keymap import DOWN, EV_KEY, read_events
from hardware.ports import ByteStream
from sync.kernel.outcome import Unavailable


class Pedal:
    """A session for `supervisor.Keeper`. `pressed(code)` hears each press of a key of `codes` once; holding is one.

    Codes are those of the kernel (`KEY_B` 48 is what most foot switches ship with). Releases and repeats are nothing.
    """

    def __init__(
        self, open_stream: Callable[[], ByteStream], codes: Collection[int], pressed: Callable[[int], None]
    ) -> None:
        self._open_stream = open_stream
        self._codes = frozenset(codes)
        self._pressed = pressed
        self._lock = threading.Lock()
        self._stream: ByteStream | None = None
        self._closed = False

    def run(self, opened: Callable[[], None]) -> None:
        stream = self._open_stream()
        with self._lock:
            self._stream = stream
            closed = self._closed
        try:
            if closed:
                raise Unavailable("device.closed")
            opened()
            held = bytearray()
            while True:
                held += stream.read(None)
                for event in read_events(held):
                    if event.type == EV_KEY and event.value == DOWN and event.code in self._codes:
                        self._pressed(event.code)
        finally:
            stream.close()
            with self._lock:
                self._stream = None

    def close(self) -> None:
        """From any thread; `run` ends with `Unavailable`."""
        with self._lock:
            self._closed = True
            stream = self._stream
        if stream is not None:
            stream.close()
