"""A folder into which a vendor's scanning program writes: each whole picture is taken once, in order.

A file is whole when its format says so and it rested for `settle_s`, or when it rested for `rest_s` (TIFF has no end
mark). It is handed over first and removed afterwards, so a stop in between hands it over again: whoever listens knows
pages by their bytes. What is no picture stays where it is and is told once.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from hardware.codecs.picture_files import TAIL_BYTES, kind_of
from hardware.ports import DeviceState, PageListener, Percent, RunEnd, ScanWish, TakenPage

LOOK_S = 0.3
FILE_BYTES_MAX = 256 * 1024 * 1024


class Seen(NamedTuple):
    size: int
    mtime_ns: int
    since_s: float


class WatchedFolder:
    """A page source that waits for others to scan: `take` runs until it is stopped or the folder is gone.

    `leave`: pages are looked at once and stay where they are.
    """

    tells_trouble = True

    def __init__(
        self,
        folder: Path,
        told_other: Callable[[str], None] = lambda reason: None,
        *,
        leave: bool = False,
        settle_s: float = 1.0,
        rest_s: float = 10.0,
        mono_s: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._folder = folder
        self._told_other = told_other
        self._settle_s = settle_s
        self._rest_s = rest_s
        self._mono_s = mono_s
        self._pause = pause
        self._leave = leave
        self._seen: dict[str, Seen] = {}
        self._others: set[str] = set()

    def status(self) -> tuple[DeviceState, str]:
        return ("ready", "") if os.access(self._folder, os.R_OK | os.W_OK | os.X_OK) else ("absent", "gone")

    def take(
        self,
        wish: ScanWish,
        on_page: PageListener,
        stopped: Callable[[], bool] = lambda: False,
        percent: Percent = lambda percent: None,
    ) -> RunEnd:
        """Of `wish` only `pages_max` counts here; the rest is the vendor's affair."""
        pages, left = 0, set[Path]()
        while not stopped():
            try:
                whole = self.look()
                for place, media_type in whole:
                    if place in left:
                        continue
                    pages += 1
                    on_page(TakenPage(pages, place.read_bytes(), media_type))
                    if self._leave:
                        left.add(place)
                    else:
                        place.unlink()
                        self._seen.pop(place.name, None)
                    if pages == wish.pages_max:
                        return RunEnd("done", pages)
            except OSError:
                return RunEnd("failed", pages, "gone")
            self._pause(LOOK_S)
        return RunEnd("stopped", pages)

    def look(self) -> list[tuple[Path, str]]:
        """Files that are whole now, oldest first. Links and folders are not followed."""
        now_s, found = self._mono_s(), []
        names = set()
        for entry in os.scandir(self._folder):
            about = entry.stat(follow_symlinks=False)
            if not stat.S_ISREG(about.st_mode):
                continue
            names.add(entry.name)
            seen = self._seen.get(entry.name)
            if seen is None or (seen.size, seen.mtime_ns) != (about.st_size, about.st_mtime_ns):
                self._seen[entry.name] = Seen(about.st_size, about.st_mtime_ns, now_s)
                continue
            rested_s = now_s - seen.since_s
            media_type = self._whole(Path(entry.path), about.st_size, rested_s)
            if media_type:
                found.append((about.st_mtime_ns, entry.name, Path(entry.path), media_type))
        self._seen = {name: seen for name, seen in self._seen.items() if name in names}
        self._others &= names
        return [(place, media_type) for _, _, place, media_type in sorted(found)]

    def _whole(self, place: Path, size: int, rested_s: float) -> str:
        if rested_s < self._settle_s or not size:
            return ""
        with place.open("rb") as file:
            head = file.read(8)
            file.seek(max(0, size - TAIL_BYTES))
            kind = kind_of(head, file.read(TAIL_BYTES)) if size <= FILE_BYTES_MAX else None
        if kind is None:
            if place.name not in self._others:
                self._others.add(place.name)
                self._told_other("folder.too-large" if size > FILE_BYTES_MAX else "folder.no-picture")
            return ""
        if kind.closed or (kind.media_type == "image/tiff" and rested_s >= self._rest_s):
            return kind.media_type
        if rested_s >= self._rest_s and place.name not in self._others:
            self._others.add(place.name)
            self._told_other("folder.cut-off")
        return ""
