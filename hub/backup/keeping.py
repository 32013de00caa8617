"""What a running hub does for its backups, joined: it copies its own facts, watches the catalogue, makes promises."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.backup.copier import OwnCopier
from hub.backup.nightly import Nightly
from hub.backup.place import MONOTONE, Place
from hub.backup.watch import BackupsSeen, BackupWatch
from hub.link.monotone import Monotone, MonotoneFile
from hub.link.voice import Voice
from hub.settings import Backup
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.kernel.ids import StreamId
from sync.kernel.outcome import Unavailable


class Keeping:
    """`place` empty: nothing is copied and nothing promised. `look` after the epoch is settled, then every minute."""

    def __init__(
        self, store: HubStore, voice: Voice, key: bytes, wanted: Backup, folder: Path, rely_on: Callable[[int], None],
        zone: str,
    ) -> None:  # fmt: skip
        self._place = found = Place(Path(wanted.place), key) if wanted.place else None
        self._nightly = None
        if found and wanted.at:
            self._nightly = Nightly(folder, time.fromisoformat(wanted.at), ZoneInfo(zone), store.clock, store.tally)
        self._started = False
        self._watch = BackupWatch(found, rely_on, folder.stat().st_dev)
        self.copier = OwnCopier(store, voice, found, folder) if found else None

    @property
    def seen(self) -> BackupsSeen:
        return self._watch.seen

    def note(self, told: Monotone) -> None:
        """What was just raised, into the place too. A place that is away costs the copy, never the act."""
        if self._place is None or not self._place.folder.is_dir():
            return
        with suppress(OSError, Unavailable):
            MonotoneFile(self._place.folder / MONOTONE).rise(told)

    @property
    def nightly_fault(self) -> str | None:
        """Why the last nightly backup was not made; None when it was."""
        return self._nightly.fault if self._nightly else None

    def look(self) -> None:
        self._watch.look()
        if self._nightly and self._started:
            self._nightly.look(self.seen.newest_ms)

    def safe(self, stream: StreamId) -> int:
        """How far a stream may be dropped by age."""
        return self._watch.safe(stream)

    def safe_blob(self, blob: bytes) -> bool:
        """Whether sealed bytes may go from the box that made them, by age."""
        return self._watch.safe_blob(blob)

    def lag(self) -> int:
        """Own facts that lie nowhere but here; 0 where there is no place."""
        return self.copier.lag() if self.copier else 0

    def start(self) -> None:
        self._started = True
        if self.copier:
            self.copier.start()

    def stop(self) -> None:
        if self._nightly:
            self._nightly.stop()
        if self.copier:
            self.copier.stop()
