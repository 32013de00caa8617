"""What happened, step by step: a hash over all of it, and the last steps for whoever reads a failure."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable

LAST = 50


class Trace:
    """The same steps give the same hash. Nothing that differs between two runs may be told here."""

    def __init__(self, hear: Callable[[str], None] | None = None) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        self._hear = hear
        self.steps = 0
        self.last: deque[str] = deque(maxlen=LAST)

    def tell(self, now_s: float, what: str) -> None:
        """One step, or a thing worth knowing within one."""
        line = f"{now_s:.4f} {what}"
        self.steps += 1
        self._hash.update(line.encode())
        self._hash.update(b"\n")
        self.last.append(line)
        if self._hear is not None:
            self._hear(line)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
