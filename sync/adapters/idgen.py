"""Where chance comes in. Ids and keys are made from drawn bytes by pure functions (`sync.kernel.ids`)."""

from __future__ import annotations

import builtins
import hashlib
import os
import threading
from typing import Protocol


class Entropy(Protocol):
    """A source of bytes that nobody can guess (or, in a demo, that anybody can draw again)."""

    def bytes(self, n: int) -> builtins.bytes:
        """`n` bytes, fresh on each call."""
        ...


class SystemEntropy:
    """The kernel's generator."""

    def bytes(self, n: int) -> builtins.bytes:
        return os.urandom(n)


class SeededEntropy:
    """The same bytes for the same seed, whatever sizes they are asked in: SHA-256 over seed and a counter.

    For the demo's invented data and for tests. Never for a key that protects anything. Calls from several threads are
    safe, their order is not repeatable.
    """

    def __init__(self, seed: int | str) -> None:
        self._seed = str(seed).encode()
        self._counter = 0
        self._left = b""
        self._lock = threading.Lock()

    def bytes(self, n: int) -> builtins.bytes:
        with self._lock:
            while len(self._left) < n:
                self._left += hashlib.sha256(b"%b/%d" % (self._seed, self._counter)).digest()
                self._counter += 1
            drawn, self._left = self._left[:n], self._left[n:]
            return drawn
