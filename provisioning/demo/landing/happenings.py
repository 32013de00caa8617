"""What just happened, told from two readings of the same things: twins, ledgers, lines."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kiosk_ui.kit.screens.words import N_, FieldValue, Message
from provisioning.demo.landing import names
from provisioning.demo.landing.machines import Machine

KEPT = 40
BADGE = "WB"
RECEIPT = "WAY1:"


@dataclass(frozen=True, slots=True)
class Happening:
    """`glyph` is a shape of the kit: ack, held, person, off, tick."""

    at_ms: int
    glyph: str
    words: Message


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at one machine: counts only grow."""

    machine: Machine
    mode: str
    scans: tuple[str, ...] = ()
    slips: int = 0
    half_slips: int = 0
    labels: int = 0
    sheets: int = 0
    presses: int = 0


class Happenings:
    """The newest first; may be added to from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: deque[Happening] = deque(maxlen=KEPT)

    def add(self, found: Iterable[Happening]) -> None:
        with self._lock:
            self._kept.extendleft(found)

    def latest(self, count: int) -> list[Happening]:
        with self._lock:
            return list(self._kept)[:count]


def compare(before: Reading, after: Reading, now_ms: int) -> Iterator[Happening]:
    """What is new in `after`, in the order in which it is told."""
    box = Message(names.box(after.machine.name))
    if before.mode != after.mode:
        said = Message(N_("%(box)s的线路拨到：%(mode)s"), {"box": box, "mode": Message(names.MODES[after.mode])})
        yield Happening(now_ms, "tick" if after.mode == "up" else "off", said)
    for code in after.scans[len(before.scans) :]:
        yield Happening(now_ms, "tick", _scan(box, code))
    if after.slips > before.slips:
        yield Happening(now_ms, "tick", Message(N_("%(box)s打出一张回执"), {"box": box}))
    if after.half_slips > before.half_slips:
        yield Happening(now_ms, "person", Message(N_("%(box)s的回执只打了一半"), {"box": box}))
    if after.labels > before.labels:
        fields: dict[str, FieldValue] = {"box": box, "n": after.labels - before.labels}
        yield Happening(now_ms, "tick", Message(N_("%(box)s打出 %(n)s 张封面标签"), fields))
    if after.sheets > before.sheets:
        yield Happening(now_ms, "tick", Message(N_("%(box)s的办公打印机出来一张纸"), {"box": box}))
    if after.presses > before.presses:
        yield Happening(now_ms, "tick", Message(N_("%(box)s的踏板踩了一下"), {"box": box}))
    yield from _state(before.machine, after.machine, box, now_ms)
    yield from _books(before.machine, after.machine, box, now_ms)


def _scan(box: Message, code: str) -> Message:
    if code.startswith(BADGE):
        return Message(N_("%(box)s的枪刷了一张工牌"), {"box": box})
    if code.startswith(RECEIPT):
        return Message(N_("%(box)s的枪扫了回执上的码"), {"box": box})
    return Message(N_("%(box)s的枪扫了 %(code)s"), {"box": box, "code": code})


def _state(before: Machine, after: Machine, box: Message, now_ms: int) -> Iterator[Happening]:
    if before.state == after.state or before.state == after.state == "gone":
        return
    glyph = {"gone": "person", "up": "tick", "draining": "tick"}.get(after.state, "off")
    fields = {"box": box, "state": Message(names.STATES.get(after.state, after.state))}
    yield Happening(now_ms, glyph, Message(N_("%(box)s：%(state)s"), fields))


def _books(before: Machine, after: Machine, box: Message, now_ms: int) -> Iterator[Happening]:
    old, new = before.ledger, after.ledger
    if old is None or new is None:
        return
    if old.waiting and not new.waiting and new.state == "equal":
        fields: dict[str, FieldValue] = {"box": box, "n": f"{new.produced:,}"}
        yield Happening(now_ms, "ack", Message(N_("%(box)s产生 %(n)s 条，中心全收到"), fields))
    elif new.waiting > old.waiting and after.state in ("cut", "silent"):
        fields = {"box": box, "n": f"{new.waiting:,}"}
        yield Happening(now_ms, "held", Message(N_("%(box)s有 %(n)s 条存在本机，等线路"), fields))
