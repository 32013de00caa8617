"""Plays a recording of a print server back into a document printer's driver, in the recording's own time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardware.codecs import document_ticket
from hardware.codecs.document_ticket import Ticket
from hardware.codecs.server_recording import kept_question
from hardware.drivers.cups_client import Refused
from hardware.drivers.recording_file import recorded
from hardware.ports import Job
from sync.kernel.outcome import PeerFault, Unavailable


@dataclass(frozen=True, slots=True)
class Called:
    """What the driver was called for, a job or None for how the printer is, and what it answered; empty: it stopped."""

    job: Job | None
    end: tuple[str, ...]


class RecordedServer:
    """A print server (`ask`, `close`) and the clock (`wall_ms`) of a driver that is made like the recorded one.

    `raw` and `counts` say how that was made. Paper comes as zeros of the recorded length. A driver that asks otherwise
    is a PeerFault `recording.order`.
    """

    def __init__(self, path: Path) -> None:
        entries = list(recorded(path))
        if not entries or entries[0].get("speaks") != "cups":
            raise PeerFault("recording", "head")
        self.raw, self.counts = bool(entries[0]["raw"]), bool(entries[0]["counts"])
        played = list(_whole(entries))
        self.calls = list(_calls(played))
        self._answers = iter([entry for entry in played if "ask" in entry])
        self._now_ms = int(entries[0]["wall_ms"])

    def wall_ms(self) -> int:
        return self._now_ms

    def ask(self, do: str, data: bytes = b"", **what: Any) -> Any:
        entry = next(self._answers, {})
        if entry.get("ask") != kept_question(do, what):
            raise PeerFault("recording.order")
        self._now_ms = entry["wall_ms"]
        if "refused" in entry:
            raise Refused(entry["refused"])
        if "away" in entry:
            raise Unavailable(entry["away"])
        return entry["ok"]

    def close(self) -> None:
        pass


def _whole(entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """With `wall_ms` in each, and with the rounds that were left out, spread over the time that they took."""
    began_ms, last_s = 0, 0.0
    turn: list[dict[str, Any]] = []
    for entry in entries:
        if "speaks" in entry:
            began_ms, turn = entry["wall_ms"], []
            continue
        if count := entry.get("same"):
            for n in range(1, count + 1):
                later_s = (entry["at_s"] - last_s) * n / count
                yield from (_at(each, began_ms, later_s) for each in turn)
            continue
        if "call" in entry or any("ask" in each and each["ask"] == entry.get("ask") for each in turn):
            turn = []
        turn.append(entry)
        last_s = entry["at_s"]
        yield _at(entry, began_ms, 0.0)


def _at(entry: dict[str, Any], began_ms: int, later_s: float) -> dict[str, Any]:
    told = entry.get("ok")
    if isinstance(told, dict) and told.get("up_s"):
        entry = {**entry, "ok": {**told, "up_s": told["up_s"] + round(later_s)}}
    return {**entry, "wall_ms": began_ms + round(1000 * (entry["at_s"] + later_s))}


def _calls(played: list[dict[str, Any]]) -> Iterator[Called]:
    open_call: dict[str, Any] | None = None
    for entry in played:
        if "call" in entry:
            if open_call is not None:
                yield Called(_job(open_call), ())
            open_call = entry
        elif "end" in entry and open_call is not None:
            yield Called(_job(open_call), tuple(entry["end"]))
            open_call = None
    if open_call is not None:
        yield Called(_job(open_call), ())


def _job(entry: dict[str, Any]) -> Job | None:
    if entry["call"] == "status":
        return None
    told = entry["ticket"]
    paper = bytes(entry["paper"])
    if told is not None:
        ranges = tuple((first, end) for first, end in told["ranges"])
        paper = document_ticket.encode(Ticket(**{**told, "ranges": ranges}), paper)
    return Job(entry["job"], "", paper, entry["trail"])
