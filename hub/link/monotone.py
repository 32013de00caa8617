"""The small file that must never fall: outside the database and outside every backup of it.

Every field only rises, and what was raised is on the disk before anybody acts on it. A database that was put back
finds here what it has forgotten. Source: protocol way/1, section 5.1.
"""

from __future__ import annotations

import fcntl
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sync.adapters.keys import write_whole
from sync.adapters.sqlite_log.steps import Point, nothing
from sync.kernel.limits import EPOCH_MAX
from sync.kernel.outcome import Unavailable


@dataclass(frozen=True, slots=True)
class Monotone:
    """What must never fall.

    `tick`: beats once a minute, in the database first. `trust`: version of the trust bundle. `relied_ms`: when the
    oldest backup began that what may be pruned on appliances still relies on. `marks`: numbers given away, by resource.
    """

    epoch: int = 0
    tick: int = 0
    trust: int = 0
    relied_ms: int = 0
    marks: Mapping[str, int] = field(default_factory=dict)

    def over(self, other: Monotone) -> Monotone:
        """The higher of both, field by field."""
        names = sorted({*self.marks, *other.marks})
        return Monotone(
            max(self.epoch, other.epoch),
            max(self.tick, other.tick),
            max(self.trust, other.trust),
            max(self.relied_ms, other.relied_ms),
            {name: max(self.marks.get(name, 0), other.marks.get(name, 0)) for name in names},
        )


def read_monotone(path: Path) -> Monotone | None:
    """What the file says, None without one. Raises Unavailable `hub.epoch-file` when it is not whole."""
    try:
        told = Monotone(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as fault:
        raise Unavailable("hub.epoch-file", 3600.0) from fault
    numbers = (told.epoch, told.tick, told.trust, told.relied_ms)
    marks = told.marks.values() if isinstance(told.marks, dict) else (None,)
    if any(type(number) is not int or number < 0 for number in (*numbers, *marks)):
        raise Unavailable("hub.epoch-file", 3600.0)
    return told


class MonotoneFile:
    """Whoever raises it takes turns, in this process and beside it (a command at a shell)."""

    def __init__(self, path: Path, point: Point = nothing) -> None:
        self._path = path
        self.point = point
        self._lock = threading.Lock()

    def read(self) -> Monotone | None:
        """Raises Unavailable `hub.epoch-file` when it is not whole."""
        return read_monotone(self._path)

    def rise(self, least: Monotone) -> Monotone:
        """Raise every field to at least this; what is higher stays. On disk on return."""
        assert least.epoch <= EPOCH_MAX
        with self._turn():
            held = self.read()
            risen = least if held is None else held.over(least)
            if risen != held:
                self._write(risen)
            return risen

    def replace_broken(self, stated: Monotone) -> None:
        """An operator's word in the place of a file that is gone or not whole."""
        with self._turn():
            self._write(stated)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._lock, self._path.with_name(f".{self._path.name}.lock").open("a") as beside:
            fcntl.flock(beside, fcntl.LOCK_EX)
            yield

    def _write(self, told: Monotone) -> None:
        self.point("epoch.file:before")
        write_whole(self._path, (json.dumps(asdict(told), sort_keys=True) + "\n").encode())
        self.point("epoch.file:after")
