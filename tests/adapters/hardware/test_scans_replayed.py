"""Four guns at once, replayed: with typing, lost events and missing terminators, nothing merges and nothing goes.

`make test` plays a share, `make soak` 100,000 scans.
"""

import random
import threading
from collections.abc import Callable, Iterator

import pytest

from hardware.codecs.keymap import ALTS, CTRLS, EV_KEY, EV_SYN, INPUT_EVENT, KEY_ENTER, KEY_KPENTER, KEY_TAB, SHIFTS
from hardware.codecs.recording import Masker, Read, head_line, read_line, read_recording
from hardware.codecs.scan_assembler import LineAssembler
from hardware.drivers.gun import Assembler, Gun, KeyBytes
from hardware.drivers.recorder import Recorder
from hardware.ports import Scan, ScanTrouble
from hardware.twins.hid_gun import keys_of
from hardware.twins.replay import ReplayStream
from sync.kernel.outcome import PeerFault, Unavailable
from tests.soak import many

SCANS = many(4_000, 100_000)
GUNS = {"left": "hid", "right": "hid", "base": "bytes", "far": "bytes"}
SILENCE_S = 0.08
SYN, DROPPED = (EV_SYN, 0, 0), (EV_SYN, 3, 0)
KEYPAD_029 = (82, 80, 73)
GTIN, GS = "0106901234567892", "\x1d"

Truth = list[tuple[str, str, bool]]
"""What a gun must be heard to say: (scan, its text, terminated) or (trouble, its code, False)."""


class Day:
    """A day of one gun, drawn from its seed: the reads of its line, and beside them the truth."""

    def __init__(self, name: str, seed: int, scans: int) -> None:
        self.line = GUNS[name]
        self.truth: Truth = []
        self._draw = random.Random(f"{name} {seed}")
        self._scans = scans
        self._us = 0

    def reads(self) -> Iterator[Read]:
        for number in range(self._scans):
            if self._draw.random() < 0.03:
                yield from self._typing()
            text, prefix, end = self._text(number), "", self._draw.random() >= 0.05
            if text.startswith(GTIN):
                prefix = "]C1"
            elif self._draw.random() < 0.3:
                prefix = "]C0"
            if self.line == "hid":
                yield from self._keys(prefix + text, end)
            else:
                yield from self._bytes(prefix + text, end)
            self._pause(100, 400)

    def _text(self, number: int) -> str:
        kind = self._draw.random()
        if kind < 0.1:
            return f"{GTIN}10L{number}{GS}21S{self._draw.randrange(10**6)}"
        if kind < 0.2 and self.line == "bytes":
            return f"张三{number}䶮"
        if kind < 0.3:
            return f"bed/{number} (a+b) ~{self._draw.randrange(1000)}"
        return f"ZY{number:08d}-{self._draw.randrange(9) + 1}"

    def _pause(self, least_ms: int, most_ms: int) -> None:
        self._us += 1000 * self._draw.randint(least_ms, most_ms)

    def _typing(self) -> Iterator[Read]:
        """A person on the same line: keys far apart, each a reading of its own; Enter says nothing."""
        for char in [str(self._draw.randrange(10)) for _ in range(self._draw.randint(1, 8))]:
            if self.line == "hid":
                yield self._events((EV_KEY, keys_of(char)[0][0], 1), SYN, (EV_KEY, keys_of(char)[0][0], 0), SYN)
            else:
                yield Read(self._us, char.encode())
            self.truth.append(("scan", char, False))
            self._pause(90, 300)
        yield self._events((EV_KEY, KEY_ENTER, 1), SYN) if self.line == "hid" else Read(self._us, b"\r")
        self._pause(90, 300)

    def _bytes(self, whole: str, end: bool) -> Iterator[Read]:
        body = whole.encode("gb18030" if self._draw.random() < 0.5 else "utf-8")
        raw = body + (self._draw.choice([b"\r", b"\r\n", b"\n", b"\t"]) if end else b"")
        while raw:
            cut = self._draw.randint(1, len(raw))
            yield Read(self._us, raw[:cut])
            raw = raw[cut:]
            self._pause(1, 20)
        self.truth.append(("scan", whole.removeprefix("]C0").removeprefix("]C1"), end))

    def _events(self, *events: tuple[int, int, int]) -> Read:
        second, micro = divmod(self._us, 1_000_000)
        return Read(self._us, b"".join(INPUT_EVENT.pack(second, micro, *event) for event in events))

    def _strokes(self, char: str) -> list[list[tuple[int, int, int]]]:
        if char == GS and self._draw.random() < 0.5:
            keys = [(CTRLS[0], 1), (27, 1), (27, 0), (CTRLS[0], 0)]
        elif char == GS:
            pad = [(code, value) for code in KEYPAD_029 for value in (1, 0)]
            keys = [(ALTS[0], 1), *pad, (ALTS[0], 0)]
        else:
            ((code, shifted),) = keys_of(char)[:1]
            keys = [(code, 1), (code, 0)]
            keys = [(SHIFTS[0], 1), *keys, (SHIFTS[0], 0)] if shifted else keys
        return [[(EV_KEY, code, value), SYN] for code, value in keys]

    def _keys(self, whole: str, end: bool) -> Iterator[Read]:
        strokes = [stroke for char in whole for stroke in self._strokes(char)]
        drop_at = self._draw.randrange(1, len(strokes)) if self._draw.random() < 0.02 else None
        swallowed = drop_at is not None and self._draw.random() < 0.3
        for place, stroke in enumerate(strokes):
            if place == drop_at:
                # What the kernel still had, up to the next report, belongs to nothing.
                yield self._events(DROPPED, (EV_KEY, 30, 1), (EV_KEY, 30, 0), SYN)
                if swallowed:
                    break
            yield self._events(*stroke)
            self._pause(1, 10)
        if end and not swallowed:
            key = self._draw.choice([KEY_ENTER, KEY_KPENTER, KEY_TAB])
            yield self._events((EV_KEY, key, 1), SYN, (EV_KEY, key, 0), SYN)
        told = ("trouble", "scan.dropped-events", False)
        self.truth.append(("scan", whole.removeprefix("]C0").removeprefix("]C1"), end) if drop_at is None else told)


class Ear:
    """Where all guns of a machine are heard."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.heard: dict[str, Truth] = {name: [] for name in GUNS}

    def __call__(self, found: Scan | ScanTrouble) -> None:
        said = ("scan", found.text, found.terminated) if isinstance(found, Scan) else ("trouble", found.code, False)
        with self._lock:
            self.heard[found.device].append(said)


def play(name: str, lines: Iterator[str], ear: Ear, silence_s: float = SILENCE_S) -> None:
    line, reads = read_recording(lines)
    stream = ReplayStream(reads)
    make: Callable[[], Assembler] = (
        (lambda: KeyBytes(name, silence_s)) if line == "hid" else (lambda: LineAssembler(name, silence_s))
    )
    gun = Gun(lambda: stream, make, ear, ear, stream.mono_s)
    with pytest.raises(Unavailable, match=r"device\.gone"):
        gun.run(lambda: None)


def recording(day: Day) -> Iterator[str]:
    yield head_line(day.line)
    for read in day.reads():
        yield read_line(read)


@pytest.mark.row("F10.25")
def test_nothing_merges_and_nothing_is_lost_over_four_guns(record_property: Callable[[str, object], None]) -> None:
    days = {name: Day(name, 7, SCANS // len(GUNS)) for name in GUNS}
    ear = Ear()
    threads = [threading.Thread(target=play, args=(name, recording(day), ear)) for name, day in days.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told: dict[str, int] = {"scans": 0, "unterminated": 0, "dropped": 0}
    for name, day in days.items():
        heard = ear.heard[name]
        first = next((n for n, pair in enumerate(zip(heard, day.truth, strict=False)) if pair[0] != pair[1]), None)
        assert heard == day.truth, (name, first, len(heard), len(day.truth))
        told["scans"] += sum(1 for kind, text, _ in heard if kind == "scan" and len(text) > 1)
        told["unterminated"] += sum(1 for kind, _, ended in heard if kind == "scan" and not ended)
        told["dropped"] += sum(1 for kind, _, _ in heard if kind == "trouble")
    assert told["scans"] + told["dropped"] == SCANS and told["dropped"] > 0 and told["unterminated"] > 0
    figures = f"{SCANS} scans over {len(GUNS)} guns: 0 merged, 0 lost; {told}"
    print(figures)
    record_property("scans", figures)


def test_the_judge_sees_what_merges() -> None:
    """With a silence as long as the pause between two scans, one without terminator runs into the next."""
    day, ear = Day("left", 7, 400), Ear()
    play("left", recording(day), ear, silence_s=0.5)
    assert ear.heard["left"] != day.truth


@pytest.mark.row("F10.28")
@pytest.mark.parametrize("name", ["left", "base"])
def test_a_recording_has_the_shape_of_what_was_read_and_nothing_of_it(name: str) -> None:
    day, written = Day(name, 11, 300), list[str]()
    stream = ReplayStream(day.reads())
    draw = random.Random(3).random
    recorder = Recorder(day.line, written.append, draw, stream.mono_s)
    ear = Ear()
    make: Callable[[], Assembler] = (
        (lambda: KeyBytes(name, SILENCE_S)) if name == "left" else (lambda: LineAssembler(name, SILENCE_S))
    )
    with pytest.raises(Unavailable):
        Gun(recorder.on(lambda: stream), make, ear, ear, stream.mono_s).run(lambda: None)
    recorder.close()
    assert ear.heard[name] == day.truth
    again = Ear()
    play(name, iter(written), again)
    shapes = [
        [(kind, len(text), ended) for kind, text, ended in heard] for heard in (ear.heard[name], again.heard[name])
    ]
    assert shapes[0] == shapes[1]
    texts = {text for kind, text, _ in day.truth if kind == "scan" and len(text) > 4}
    masked = [text for kind, text, _ in again.heard[name] if kind == "scan"]
    assert texts.isdisjoint(masked) and not any("张三" in text or "ZY0" in text for text in masked)
    assert sum(GS in text for text in masked) == sum(GS in text for text in texts) > 0
    raw = b"".join(bytes.fromhex(line.split('"')[5]) for line in written[1:])
    assert not any(text.encode(code) in raw for text in texts for code in ("utf-8", "gb18030"))


def test_what_is_no_reading_at_all_is_masked_too() -> None:
    masker = Masker("bytes", lambda: 0.5)
    assert masker.feed(Read(0, b"\xffsecret\x81")) == []
    (read,) = masker.flush()
    assert read.data == b"\xff" + b"nnnnnn" + b"\xff"


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["{}"],
        ["[" * 30_000],
        [head_line("hid"), '{"us": -1, "hex": ""}'],
        [head_line("hid"), '{"us": 5, "hex": "zz"}'],
        [head_line("bytes"), '{"us": 5, "hex": ""}', '{"us": 4, "hex": ""}'],
        [head_line("steam")],
    ],
)
def test_what_is_no_recording_is_refused(lines: list[str]) -> None:
    with pytest.raises(PeerFault, match="recording"):
        list(read_recording(lines)[1])
