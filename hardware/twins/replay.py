"""A recorded gun, played into a driver: as fast as it reads, in the recording's own time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hardware.codecs.recording import Read
from sync.kernel.outcome import Unavailable


class ReplayStream:
    """A `ByteStream` that gives each read at its recorded moment of a clock of its own, `mono_s`.

    Nothing sleeps: a driver that waits for silence finds that its time is over. At its end the gun is gone.
    """

    def __init__(self, reads: Iterable[Read]) -> None:
        self._reads: Iterator[Read] = iter(reads)
        self._next: Read | None = next(self._reads, None)
        self._now_s = 0.0

    def mono_s(self) -> float:
        return self._now_s

    def read(self, timeout_s: float | None) -> bytes:
        coming = self._next
        if coming is None:
            if timeout_s is None:
                raise Unavailable("device.gone")
            self._now_s += timeout_s
            return b""
        at_s = coming.at_us / 1_000_000
        if timeout_s is not None and at_s >= self._now_s + timeout_s:
            self._now_s += timeout_s
            return b""
        self._now_s = max(self._now_s, at_s)
        self._next = next(self._reads, None)
        return coming.data

    def write(self, data: bytes) -> None:
        raise Unavailable("device.read-only")

    def close(self) -> None:
        """It is read by one thread, to its end."""
