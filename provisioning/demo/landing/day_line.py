"""The day that `waystation demo --check` plays, as a line of stations; here the visitor plays, by the site's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kiosk_ui.kit.screens.words import N_

STATIONS = (
    ("07:30", N_("取件员装名单")),
    ("09:20", N_("线路没了回音")),
    ("09:31", N_("手持机断电")),
    ("09:40", N_("腰间打印机缺纸")),
    ("10:30", N_("丢一台，用回执重建")),
    ("11:30", N_("线路恢复，补送")),
    ("11:45", N_("丢的找到了")),
    ("14:00", N_("病案室交清")),
    ("15:00", N_("定下对不上的")),
)
CUT = ("09:20", "11:30")
"""Between these two the script has no line."""


@dataclass(frozen=True, slots=True)
class Stop:
    """`when` is done, now (the last one passed) or todo; `cut`: the stretch after it has no line."""

    at: str
    words: str
    when: str
    cut: bool


def stops(now: datetime) -> list[Stop]:
    """`now` in the site's zone."""
    clock = now.strftime("%H:%M")
    passed = [at for at, _ in STATIONS if at <= clock]
    here = passed[-1] if passed else ""
    return [
        Stop(at, words, "now" if at == here else "done" if at < here else "todo", CUT[0] <= at < CUT[1])
        for at, words in STATIONS
    ]
