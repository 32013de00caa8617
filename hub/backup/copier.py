"""The thread that copies the hub's own facts to the backup place as they are cut, and says how far it is behind.

A place that cannot be reached costs nothing but lag: it is tried again, and the screen says so meanwhile.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from hub.backup import own
from hub.backup.mirror import mirror
from hub.backup.place import OWN, Place
from hub.link.voice import Voice
from sync.adapters import bugs
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.adapters.sqlite_log.streams import ZERO_HASH
from sync.kernel.ids import StreamId
from sync.kernel.limits import CUT_FACTS, CUT_QUIET_MS, TICK_EVERY_S
from sync.kernel.outcome import Unavailable
from sync.protocol.batch import make_batch
from sync.protocol.outbound import FACT_BYTES_A_BATCH

AGAIN_S = 30.0
_OWN = "SELECT id, incarnation, lane, last FROM stream WHERE own = 1 AND node = ? ORDER BY id"


@dataclass(frozen=True, slots=True)
class _Own:
    stream: int
    name: StreamId
    last: int


class OwnCopier:
    """One a hub. `start` after the store is open."""

    def __init__(self, store: HubStore, voice: Voice, place: Place, directory: Path) -> None:
        self._store = store
        self._voice = voice
        self._place = place
        self._directory = directory
        self._seal_to = voice.suite.sealing_public(voice.keys.sealing)
        self._upto: dict[StreamId, int] | None = None
        self._mirrored_s = float("-inf")
        self._turn = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="own-copies", daemon=True)

    def start(self) -> None:
        self._store.on_arrival(self._wake.set)
        self._wake.set()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()
        self._thread.join(5)

    def lag(self) -> int:
        """Own facts that are in no other place than this hub's disk."""
        upto = self._upto or {}
        return sum(max(0, each.last - upto.get(each.name, 0)) for each in self._own())

    def copy(self) -> None:
        """Bring the place up to the log. Raises Unavailable `backup.place`."""
        with self._turn:
            try:
                self._copy(self._place.folder)
            except OSError as fault:
                self._upto = None  # what the place holds is read again
                raise Unavailable("backup.place", AGAIN_S) from fault

    def _copy(self, folder: Path) -> None:
        if not folder.is_dir():
            raise Unavailable("backup.place", AGAIN_S)
        if self._upto is None:
            self._upto = self._begin(folder / OWN)
        for each in self._own():
            while self._upto.get(each.name, 0) < each.last:
                self._upto[each.name] = self._batch(folder / OWN, each, self._upto.get(each.name, 0) + 1)
        if self._store.clock.mono_s() - self._mirrored_s >= TICK_EVERY_S:
            mirror(self._directory, folder)
            self._mirrored_s = self._store.clock.mono_s()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(TICK_EVERY_S)
            self._wake.clear()
            self._stop.wait(CUT_QUIET_MS / 1000)
            try:
                self.copy()
            except Unavailable as fault:
                self._stop.wait(fault.retry_s)
                self._wake.set()
            except Exception as bug:
                bugs.note("own-copies", bug)
                self._stop.wait(bugs.PAUSE_S)
                self._wake.set()

    def _own(self) -> list[_Own]:
        node = self._store.node
        with self._store.read() as conn:
            rows = conn.execute(_OWN, (node,)).fetchall()
        return [_Own(row[0], StreamId(node, row[1], row[2]), row[3]) for row in rows]

    def _begin(self, folder: Path) -> dict[StreamId, int]:
        """Where each stream stands in the place: in its file, or in the backup that everything relies on."""
        relied = self._place.relied_on()
        ends = self._place.streams(relied) if relied else []
        safe = {StreamId(end.node, end.incarnation, end.lane): end.upto for end in ends}
        found = {}
        for each in self._own():
            path = own.path_of(folder, each.name)
            held = safe.get(each.name, 0)
            if held >= each.last and each.name.incarnation != self._store.incarnation:
                path.unlink(missing_ok=True)  # both backups that count hold all of it
            found[each.name] = max(own.upto_of(path), held)
        return found

    def _batch(self, folder: Path, each: _Own, first: int) -> int:
        with self._store.read() as conn:
            rows = conn.execute(
                "SELECT seq, h, fact FROM log WHERE stream = ? AND seq >= ? ORDER BY seq LIMIT ?",
                (each.stream, first - 1, CUT_FACTS + 1),
            ).fetchall()
        prev = ZERO_HASH
        if first > 1:
            prev, rows = bytes(rows[0][1]), rows[1:]
        items: list[bytes] = []
        size = 0
        for row in rows:
            if items and size + len(row[2]) > FACT_BYTES_A_BATCH:
                break
            items.append(bytes(row[2]))
            size += len(row[2])
        keys = self._voice.keys
        raw = make_batch(
            node=each.name.node,
            incarnation=each.name.incarnation,
            lane=each.name.lane,
            first=first,
            prev_hash=prev,
            items=items,
            signing_key=keys.signing,
            hub_seal_key=self._seal_to,
            suite=keys.suite,
        )
        own.add(folder, each.name, [raw])
        return first + len(items) - 1
