"""One carry at a time, in a thread of its own: people see how far it is and may stop it; what is done stays done."""

from __future__ import annotations

import glob
import hashlib
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from appliance.link.stick_post import Packed, StickPost, TakenIn
from sync.adapters import bugs
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.stick_link import SUFFIX, read_stick, write_stick
from sync.domain.fleet import facts
from sync.kernel.outcome import PeerFault, Refused, Unavailable

FILES_MAX = 20
LOOK_EVERY_S = 2.0
STOP_S_MAX = 3.0

What = Literal["out", "in"]
OpenPost = Callable[[What], AbstractContextManager[tuple[StickPost, int | None]]]
"""What packs and takes in, alone with the store until it is closed, and the number of its hello."""


class Place(NamedTuple):
    """Where a stick is. `files`: answers of the centre that lie there, newest first."""

    id: str
    path: Path
    files: tuple[Path, ...]

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True, slots=True)
class Carry:
    """A carry on its way or over. `state`: running, done, stopped, or failed with a `code`. `of` 0: not known yet."""

    what: What
    place: str
    state: str = "running"
    done: int = 0
    of: int = 0
    file: str = ""
    packed: Packed | None = None
    taken: TakenIn | None = None
    code: str = ""


class _Stopped(Exception):
    """Somebody pressed stop."""


class Carrying:
    """`start` begins to look for sticks, `close` ends it and what is under way."""

    def __init__(
        self, store: ApplianceStore, folders: tuple[str, ...], open_post: OpenPost | None, changed: Callable[[], object]
    ) -> None:
        """`open_post` None: this box has joined no centre. `changed`: something is to be shown anew."""
        self._store = store
        self._folders = folders
        self._open_post = open_post
        self._changed = changed
        self._lock = threading.Lock()
        self._carry: Carry | None = None
        self._stop = threading.Event()
        self._closing = threading.Event()
        self._worker: threading.Thread | None = None
        self._watcher = threading.Thread(target=self._watch, name="stick", daemon=True)

    def start(self) -> None:
        self._watcher.start()

    def close(self) -> None:
        self._closing.set()
        self._stop.set()
        for thread in (self._worker, self._watcher):
            if thread is not None and thread.ident is not None:
                thread.join(STOP_S_MAX)

    @property
    def now(self) -> Carry | None:
        """The carry under way, or the last one of this start."""
        return self._carry

    def places(self) -> list[Place]:
        """Sticks that are there now."""
        found = []
        for pattern in self._folders:
            for name in sorted(glob.glob(pattern)):
                path = Path(name)
                if path.is_dir() and ("*" not in pattern or os.path.ismount(path)):
                    found.append(Place(hashlib.sha256(name.encode()).hexdigest()[:12], path, self._answers(path)))
        return found

    def carry_out(self, place: str, actor: str) -> Refused | None:
        """Begin to write everything for the centre. Refused `stick.no-place`, `stick.busy`, `stick.no-centre`."""
        return self._begin("out", place, partial(self._out, actor=actor))

    def bring_in(self, place: str, actor: str) -> Refused | None:
        """Begin to take in the centre's answers. Refused as `carry_out`, and `stick.no-answer`: none is there."""
        return self._begin("in", place, partial(self._in, actor=actor))

    def stop(self) -> None:
        """What was taken in stays, a file half written does not."""
        self._stop.set()

    def _answers(self, folder: Path) -> tuple[Path, ...]:
        own = f"way-{self._store.node}-"
        try:
            files = [
                (one.stat().st_mtime, Path(one.path))
                for one in os.scandir(folder)
                if one.name.endswith(SUFFIX) and not one.name.startswith((own, ".")) and one.is_file()
            ]
        except OSError:
            return ()
        return tuple(path for _, path in sorted(files, reverse=True)[:FILES_MAX])

    def _begin(self, what: What, place: str, work: Callable[[Place], None]) -> Refused | None:
        found = next((one for one in self.places() if one.id == place), None)
        if found is None:
            return Refused("stick.no-place")
        if self._open_post is None:
            return Refused("stick.no-centre")
        if what == "in" and not found.files:
            return Refused("stick.no-answer")
        with self._lock:
            if self._carry is not None and self._carry.state == "running":
                return Refused("stick.busy")
            self._stop.clear()
            self._carry = Carry(what, found.name)
            self._worker = threading.Thread(target=self._run, args=(work, found), name="carry", daemon=True)
            self._worker.start()
        self._changed()
        return None

    def _run(self, work: Callable[[Place], None], place: Place) -> None:
        try:
            work(place)
            self._tell(state="done")
        except _Stopped:
            self._tell(state="stopped")
        except (Unavailable, PeerFault) as fault:
            self._tell(state="failed", code=fault.code)
        except Exception as bug:
            bugs.note("carry", bug)
            self._tell(state="failed", code="stick.bug")

    def _out(self, place: Place, actor: str) -> None:
        assert self._open_post is not None
        self._note(actor, "stick.out", None)  # first, so that the file has this line too
        with self._open_post("out") as (post, number):
            packed = post.pack(number, self._step)
            self._step(packed.facts, packed.facts)
            path = write_stick(place.path, self._store.node, packed.messages)
        self._tell(packed=packed, file=path.name)

    def _in(self, place: Place, actor: str) -> None:
        assert self._open_post is not None
        whole = TakenIn()
        for path in place.files:
            try:
                messages = read_stick(path)
            except PeerFault as fault:
                whole.refused[fault.code] += 1
                continue
            with self._open_post("in") as (post, _):
                taken = post.take(messages, self._step)
            whole.acknowledged += taken.acknowledged
            whole.leases += taken.leases
            whole.blobs += taken.blobs
            whole.rounds = taken.rounds or whole.rounds
            whole.refused += taken.refused
            self._tell(taken=whole)
        self._note(actor, "stick.in", whole.acknowledged)

    def _step(self, done: int, of: int) -> None:
        if self._stop.is_set():
            raise _Stopped
        self._tell(done=done, of=of)

    def _note(self, actor: str, what: str, count: int | None) -> None:
        with self._store.write(actor=actor) as unit:
            unit.append(facts.noted(self._store.node, what, detail=None if count is None else f"lines={count}"))

    def _tell(self, **more: object) -> None:
        assert self._carry is not None
        self._carry = replace(self._carry, **more)  # type: ignore[arg-type]  # fields of Carry, by name
        self._changed()

    def _watch(self) -> None:
        shown: list[Place] = []
        while not self._closing.wait(LOOK_EVERY_S):
            try:
                found = self.places()
            except OSError as fault:
                bugs.note("stick", fault)
                continue
            if found != shown:
                shown = found
                self._changed()
