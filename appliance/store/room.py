"""Who looks after the room on this box's disk: what may go goes before anybody is refused, and comes back when it can.

Source: protocol way/1, section 5.3.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from appliance.store.site import WardRow, ward
from sync.adapters import bugs
from sync.adapters.sqlite_log import mirrors
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.kept_blobs import KeptBlobs
from sync.adapters.sqlite_log.pruning import prune
from sync.adapters.sqlite_log.reserve import RESERVE_BYTES, Reserve
from sync.protocol import room
from sync.protocol.room import BLOBS, Harm, Holding

MIB = 1024 * 1024
LOOK_EVERY_S = 5.0
STOP_S_MAX = 3.0


def free_bytes(folder: Path) -> int:
    """What an ordinary program may still write on the disk of a folder."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


class Away(NamedTuple):
    """Something that is not here for want of room. `ward`: whose list it is, if it is a ward's."""

    name: str
    at_ms: int
    entities: int
    ward: WardRow | None


def away(store: ApplianceStore) -> list[Away]:
    """For the screens."""
    with store.read() as conn:
        return [Away(*one, ward(conn, one.name[5:]) if one.name.startswith("ward:") else None)
                for one in mirrors.gone(conn)]  # fmt: skip


class Room:
    """`look` from one thread; `wake` from any, also with the store's writer in its hands."""

    def __init__(
        self,
        store: ApplianceStore,
        blobs: KeptBlobs,
        reserve: Reserve,
        folder: Path,
        *,
        at_work: Callable[[], frozenset[str]],
        returned: Callable[[], None],
    ) -> None:
        """`at_work()`: labels somebody works from now. `returned`: a scope may begin anew, take a round."""
        self._store = store
        self._blobs = blobs
        self._reserve = reserve
        self._folder = folder
        self._at_work = at_work
        self._returned = returned
        self._whole = False
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="room", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """The disk is full: look now."""
        self._wanted.set()

    def close(self) -> None:
        self._stopping.set()
        self._wanted.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_S_MAX)

    def look(self) -> None:
        """Make room where it is short, else let one thing return. Raises Unavailable where even that has no room."""
        if not self._whole:
            self._reserve.make_room(room.EDGE_BYTES)
            mirrors.finish(self._store)
            self._whole = True
        if room.is_short(self._free_bytes()):
            prune(self._store)
            self._store.give_back()
            self._let_go()
            return
        back = room.next_to_return(self._free_bytes(), mirrors.could_return(self._store))
        if back is not None:
            mirrors.may_return(self._store, back.name)
            self._returned()

    def _let_go(self) -> None:
        while not self._stopping.is_set():
            free = self._free_bytes()
            held = Holding(BLOBS, self._blobs.held_bytes(), Harm.A_SECOND_COPY)
            going = room.next_to_go(free, [*mirrors.holdings(self._store, self._at_work()), held])
            if going is None:
                return
            self._reserve.make_room(room.EDGE_BYTES)
            if going.name == BLOBS:
                mirrors.note_blobs(self._store, self._blobs.let_go(room.to_find(free)))
            else:
                self._whole = False
                mirrors.let_go(self._store, going)
                self._whole = True
            self._store.give_back()

    def _free_bytes(self) -> int:
        """Beside the reserve: what that has lost of its room is not free."""
        return free_bytes(self._folder) - (0 if self._reserve.held else RESERVE_BYTES)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wanted.wait(LOOK_EVERY_S)
            self._wanted.clear()
            if self._stopping.is_set():
                return
            bugs.survive("room", self.look)
