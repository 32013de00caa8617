"""What the running hub knows of its backups: how old the newest is, and how far each stream is safe in two of them.

The page has the second-newest alone. A backup made just after an older one was put back holds less than those before
it, and is itself the second-newest one backup later (simulator, schedule 4234): so both must hold what may go.

Read from the catalogue in the place, never from the database. Before a promise is made on a backup, the file that never
falls says so: none older may be put back quietly from then on. Source: protocol way/1, sections 5.1 and 5.3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.backup.blobs import read_list
from hub.backup.place import Place, StreamEnd
from hub.link.monotone import read_monotone
from sync.kernel.ids import StreamId
from sync.kernel.outcome import Unavailable


@dataclass(frozen=True, slots=True)
class BackupsSeen:
    """`newest_ms`: when the newest counting backup began, None without one. `counting`: how many there are.

    `fault`: why the place could not be read last time. `same_disk`: the place is on the hub's own disk.
    """

    place: bool
    newest_ms: int | None = None
    counting: int = 0
    fault: str | None = None
    same_disk: bool = False


def relies_on_noted(monotone: Path) -> Callable[[int], None]:
    """For a worker beside the first one: what that one has not written down yet is not promised here either."""

    def rely_on(began_ms: int) -> None:
        told = read_monotone(monotone)
        if told is None or told.relied_ms < began_ms:
            raise Unavailable("backup.not-noted", 60.0)

    return rely_on


class BackupWatch:
    """`place` None: nothing is promised. `rely_on(began_ms)` is on the disk when it returns."""

    def __init__(self, place: Place | None, rely_on: Callable[[int], None], own_device: int) -> None:
        self._place = place
        self._rely_on = rely_on
        self._own_device = own_device
        self._relied: tuple[str, ...] = ()
        self._ends: dict[StreamId, int] = {}
        self._blobs: frozenset[bytes] = frozenset()
        self.seen = BackupsSeen(place is not None)

    def look(self) -> None:
        """Read the catalogue again. What was promised before stays promised while the place is away."""
        if self._place is None:
            return
        try:
            counting = [each for each in self._place.backups() if each.counts]
            two = self._place.two_newest() or ()
            if two and (names := tuple(each.name for each in two)) != self._relied:
                ends = _least([self._place.streams(each) for each in two])
                blobs = frozenset.intersection(*(read_list(self._place, each) for each in two))
                self._rely_on(two[0].began_ms)
                self._ends, self._blobs, self._relied = ends, blobs, names
            newest = counting[-1].began_ms if counting else None
            same = self._place.folder.stat().st_dev == self._own_device
            self.seen = BackupsSeen(True, newest, len(counting), None, same)
        except (Unavailable, OSError) as fault:
            code = fault.code if isinstance(fault, Unavailable) else "backup.place"
            self.seen = BackupsSeen(True, self.seen.newest_ms, self.seen.counting, code, self.seen.same_disk)

    def safe(self, stream: StreamId) -> int:
        """The highest seq of a stream that both of the two newest counting backups hold; 0: nothing may be dropped."""
        return self._ends.get(stream, 0)

    def safe_blob(self, blob: bytes) -> bool:
        """Whether both have a blob, whole."""
        return blob in self._blobs


def _least(backups: Sequence[Sequence[StreamEnd]]) -> dict[StreamId, int]:
    """How far each stream goes in all of them.

    The newer of two may hold less: where an older one was put back, the next is made before machines have sent again.
    """
    ends = [{StreamId(end.node, end.incarnation, end.lane): end.upto for end in backup} for backup in backups]
    return {stream: min(each.get(stream, 0) for each in ends) for stream in ends[0]}
