"""Readings at this box's readers: begun, awaited and cancelled by the person who asked."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from appliance.features.identity.screens import masked
from appliance.settings import IdentityReader
from hardware import profiles
from hardware.codecs.identity.recognise import Recognised, recognise
from hardware.drivers.identity_reader import CardReader, Pace, zone_reader
from hardware.drivers.identity_recorder import RecordedLine, add_zone
from hardware.drivers.reading_desk import OPEN, Reading, ReadingDesk
from hardware.drivers.recording_file import RecordingFile, named
from hardware.drivers.supervisor import Session
from hardware.ports import ByteStream, DeviceView
from kiosk_ui.kit.screens.words import Message
from sync.adapters.clock import Clock
from sync.kernel.outcome import Refused, Unavailable

WAIT_S, WAIT_S_MAX = 30, 120
TRIAL_S = 60
TRIAL = "a trial from the device page"
"""Owner of such a reading; nobody signs in by that name."""
LOOK_S_MAX = 20
READY = ("ready", "busy")
TRIAL_ENDS: dict[str, tuple[Literal["done", "failed", "stopped"], str]] = {
    "done": ("done", ""),
    "refused": ("failed", "refused"),
    "expired": ("failed", "deadline"),
    "cancelled": ("stopped", ""),
}
OpenLine = Callable[[str, int], Callable[[], ByteStream]]
"""(url, speed) → what opens that line."""


class Hand(Protocol):
    """What a trial is led by: when it is to stop, and how it ended."""

    def on_stop(self, call: Callable[[], object]) -> None: ...

    def end(self, state: Literal["done", "failed", "stopped"], reason: str = "") -> None: ...


class Identity:
    """`sessions` are for whoever keeps devices open; `told` is called after each change, in any thread."""

    def __init__(
        self,
        readers: Iterable[IdentityReader],
        *,
        clock: Clock,
        zone: str,
        open_line: OpenLine,
        new_id: Callable[[], str],
        views: Callable[[], Iterable[DeviceView]],
        told: Callable[[Reading], None],
        recordings: str = "",
    ) -> None:
        self._recordings = recordings
        self._clock = clock
        self._zone = ZoneInfo(zone)
        self._new_id = new_id
        self._views = views
        self._told = told
        self._last: dict[str, Message] = {}
        self._desks: dict[str, ReadingDesk] = {}
        self.sessions: list[tuple[str, Session, str]] = []
        """Name, session and address of each reader."""
        for reader in readers:
            desk = ReadingDesk(reader.name, clock.mono_s, self._changed)
            self._desks[reader.name] = desk
            self.sessions.append((reader.name, self._session(reader, desk, open_line), reader.url))

    def _session(self, reader: IdentityReader, desk: ReadingDesk, open_line: OpenLine) -> Session:
        profile = profiles.load(reader.profile)
        line = open_line(reader.url, reader.baud or profile.baud)
        mono_s = self._clock.mono_s
        place, pace = self._recordings, Pace(poll_s=profile.poll_s)
        path = named(Path(place), reader.name)
        if profile.line == "sam-v":
            opened = _recorded(line, path, mono_s) if place else line
            return CardReader(opened, desk, mono_s, pace, profile.latest_address)
        record = partial(add_zone, RecordingFile(path, mono_s)) if place else lambda lines, code: None
        return zone_reader(
            line, desk, self.today_on, typed=reader.url.startswith("hid:"), silence_s=profile.silence_s, mono_s=mono_s,
            record=record,
        )  # fmt: skip

    def today_on(self) -> datetime.date:
        """The civil date of the site."""
        return datetime.datetime.fromtimestamp(self._clock.wall_ms() / 1000, self._zone).date()

    def readers(self) -> Iterator[DeviceView]:
        """This box's readers and how they are."""
        return (view for view in self._views() if view.name in self._desks)

    def begin(self, name: str, owner: str, wait_s: int = WAIT_S) -> Reading | Refused:
        """Wait for a document at the reader of that name, or at the first that is ready.

        Refused `identity.no-reader`, `identity.reader-away`, `identity.wait`, `identity.busy`.
        """
        if not 1 <= wait_s <= WAIT_S_MAX:
            return Refused("identity.wait", {"max": WAIT_S_MAX})
        views = [view for view in self.readers() if name in ("", view.name)]
        if not views:
            return Refused("identity.no-reader")
        ready = next((view for view in views if view.state in READY), None)
        if ready is None:
            return Refused("identity.reader-away")
        return self._desks[ready.name].ask(self._new_id(), owner, wait_s)

    def look(self, reading: str, owner: str, wait_s: int = 0) -> Reading | Refused:
        """The reading, after at most `wait_s` for its end. Refused `identity.reading-gone`, also to anybody else."""
        for desk in self._desks.values():
            found = desk.look(reading)
            if found is not None and found.owner == owner:
                return desk.look(reading, min(max(wait_s, 0), LOOK_S_MAX)) or found
        return Refused("identity.reading-gone")

    def cancel(self, reading: str, owner: str) -> Refused | None:
        """Stop waiting; what was read is forgotten at once."""
        found = self.look(reading, owner)
        if isinstance(found, Refused):
            return found
        self._desks[found.device].cancel(reading)
        return None

    def try_reader(self, name: str, hand: Hand) -> None:
        """Read whatever is laid on it, and forget it: that it was read is all. Unavailable `device.busy` or `.gone`."""
        begun = self.begin(name, TRIAL, TRIAL_S)
        if isinstance(begun, Refused):
            raise Unavailable("device.busy" if begun.code == "identity.busy" else "device.gone", 2.0)
        desk, reading = self._desks[name], begun.reading
        hand.on_stop(lambda: desk.cancel(reading))

        def await_end() -> None:
            while (now := desk.look(reading, LOOK_S_MAX)) is not None and now.state in OPEN:
                pass
            state = "cancelled" if now is None else now.state
            desk.cancel(reading)
            hand.end(*TRIAL_ENDS[state])

        threading.Thread(target=await_end, name="reader-trial", daemon=True).start()

    def recognise(self, text: str) -> Recognised | Refused:
        return recognise(text, self.today_on())

    def last(self, name: str) -> Message | None:
        """The newest reading that ended at this reader, masked, for a test panel."""
        return self._last.get(name)

    def _changed(self, reading: Reading) -> None:
        if reading.state in ("done", "refused", "expired"):
            self._last[reading.device] = masked(reading)
        self._told(reading)


def _recorded(line: Callable[[], ByteStream], path: Path, mono_s: Callable[[], float]) -> Callable[[], ByteStream]:
    """Each opening of the line has the file open for itself: what is written survives a pulled plug."""
    return lambda: RecordedLine(line(), RecordingFile(path, mono_s))
