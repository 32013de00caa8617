"""A gun: a thread that reads, and calls the listener where it stands.

Between the last byte and the listener is no queue, no other thread and no sleep.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Protocol

from hardware.codecs.keymap import KeyAssembler, read_events
from hardware.codecs.scan_assembler import LineAssembler
from hardware.drivers.line_session import LineSession
from hardware.ports import ByteStream, Called, GunListener, Scan, ScanTrouble, TroubleListener


class Assembler(Protocol):
    """Bytes of one gun to scans. Times are the monotonic clock's."""

    @property
    def deadline_s(self) -> float | None: ...

    def feed(self, data: bytes, at_s: float) -> list[Scan | ScanTrouble]: ...

    def tick(self, at_s: float) -> list[Scan | ScanTrouble]: ...


class KeyBytes:
    """`KeyAssembler` fed with the kernel's structs."""

    def __init__(self, device: str, silence_s: float) -> None:
        self._keys = KeyAssembler(device, silence_s)
        self._held = bytearray()
        self.tick = self._keys.tick

    @property
    def deadline_s(self) -> float | None:
        return self._keys.deadline_s

    def feed(self, data: bytes, at_s: float) -> list[Scan | ScanTrouble]:
        self._held += data
        return self._keys.feed(read_events(self._held), at_s)


def settled(stream: ByteStream) -> None:
    """Of a line that is ready when it is open."""


def await_caller(stream: ByteStream) -> None:
    """Of a port that a gun has to call."""
    assert isinstance(stream, Called)
    stream.await_caller()


class Gun(LineSession):
    """Reads until closed or gone.

    `settle` waits until the opened line has somebody at its other end.
    """

    def __init__(
        self,
        open_stream: Callable[[], ByteStream],
        make_assembler: Callable[[], Assembler],
        on_scan: GunListener,
        on_trouble: TroubleListener,
        mono_s: Callable[[], float] = time.monotonic,
        settle: Callable[[ByteStream], None] = settled,
    ) -> None:
        super().__init__(open_stream)
        self._make_assembler = make_assembler
        self._on_scan = on_scan
        self._on_trouble = on_trouble
        self._mono_s = mono_s
        self._settle = settle

    def _work(self, stream: ByteStream, opened: Callable[[], None]) -> None:
        self._settle(stream)
        opened()
        self._read(stream, self._make_assembler())

    def _read(self, stream: ByteStream, assembler: Assembler) -> None:
        while True:
            deadline_s = assembler.deadline_s
            data = stream.read(None if deadline_s is None else max(0.0, deadline_s - self._mono_s()))
            at_s = self._mono_s()
            if data and deadline_s is not None:
                # Bytes that are there were not preceded by silence: it was this thread that came late.
                at_s = min(at_s, math.nextafter(deadline_s, 0.0))
            for found in assembler.feed(data, at_s) if data else assembler.tick(at_s):
                if isinstance(found, Scan):
                    self._on_scan(found)
                else:
                    self._on_trouble(found)


def serial_gun(
    device: str,
    open_stream: Callable[[], ByteStream],
    on_scan: GunListener,
    on_trouble: TroubleListener,
    silence_s: float = 0.08,
) -> Gun:
    """A gun that sends bytes: a serial port, or a socket of a serial server."""
    return Gun(open_stream, lambda: LineAssembler(device, silence_s), on_scan, on_trouble)


def hid_gun(
    device: str,
    open_stream: Callable[[], ByteStream],
    on_scan: GunListener,
    on_trouble: TroubleListener,
    silence_s: float = 0.08,
) -> Gun:
    """A gun that types: an `InputStream`."""
    return Gun(open_stream, lambda: KeyBytes(device, silence_s), on_scan, on_trouble)
