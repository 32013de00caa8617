"""Plays recordings of scanners and cameras back: blank pages of the recorded sizes over a twin's own line.

What was on a page is in no recording. Pages that had one mark are one picture again, so that a page which came twice
does so again.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hardware.drivers.recording_file import recorded
from hardware.ports import RunEnd, ScanWish
from hardware.twins.escl_scanner import EsclScannerTwin

A4_DOTS = (620, 877)
BROKEN_OFF = RunEnd("failed", 0, "gone")


@dataclass(slots=True)
class RecordedRun:
    """`pages`: (width and height in dots, mark) in the order they came."""

    wish: ScanWish
    pages: list[tuple[tuple[int, int], str]] = field(default_factory=list)
    end: RunEnd = BROKEN_OFF


def recorded_runs(recording: Path) -> list[RecordedRun]:
    """Of a scanner's recording; a run that the recording breaks off in ended as gone."""
    runs: list[RecordedRun] = []
    for entry in recorded(recording):
        if "take" in entry:
            runs.append(RecordedRun(ScanWish(entry["take"], entry["colour"], entry["dpi"], entry["pages_max"])))
        elif "page" in entry and runs:
            wide, high = entry["dots"] or A4_DOTS
            runs[-1].pages.append(((wide, high), entry["mark"]))
        elif "end" in entry and runs:
            runs[-1].end = RunEnd(entry["end"], entry["pages"], entry["reason"])
    return runs


def load(twin: EsclScannerTwin, run: RecordedRun) -> None:
    """Puts a run's sheets in and the trouble that ended it; whoever scans then sees it as it was."""
    pictures = [blank(dots, mark) for dots, mark in run.pages]
    beyond = [blank(A4_DOTS, "")]
    if run.wish.source == "flatbed":
        twin.lay((pictures or beyond)[0])
        return
    if run.end.reason == "jam":
        twin.jam_after(len(pictures))
    if run.end.reason == "cover-open" and not pictures:
        twin.open_hatch()
    stays = run.end.kind == "stopped" or run.end.reason in ("jam", "cover-open")
    twin.load([*pictures, *(beyond if stays else [])])


def recorded_camera(recording: Path) -> Callable[[int], bytes]:
    """For `StreamCameraTwin`: frames as large as the largest picture that the camera gave."""
    seen = [tuple(dots) for entry in recorded(recording) if (dots := entry.get("dots") or entry.get("seen"))]
    wide, high = max(seen, default=A4_DOTS)
    frames = [blank((wide, high), str(n)) for n in range(2)]
    return lambda n: frames[n % 2]


def blank(dots: tuple[int, int], mark: str) -> bytes:
    """A page of one grey, which is the mark's."""
    from PIL import Image

    kept = io.BytesIO()
    Image.new("RGB", dots, (128 + sum(mark.encode()) % 120,) * 3).save(kept, "JPEG")
    return kept.getvalue()
