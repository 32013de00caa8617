"""A reader of identity cards, and one of machine-readable zones: sessions for `supervisor.Keeper`.

A card is found, selected and read, each step only after the one before succeeded: a module asked to read after a failed
step may give what it still holds of the person before. For the same reason no answer is taken for another command's.
After a silence, a bad frame or an answer of another shape the next word is a question whose answer cannot be mistaken
(the module's number); everything in front of that answer is thrown away, as modules answer in order.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hardware.codecs.identity import sam_v
from hardware.codecs.identity.card_text import read_card_text, read_latest_address
from hardware.codecs.identity.mrz import LINE_CHARS, read_zone, zone_lines
from hardware.codecs.identity.sam_v import Answer, AnswerReader, Command
from hardware.drivers.gun import Gun, hid_gun, serial_gun
from hardware.drivers.line_session import LineSession
from hardware.drivers.reading_desk import ReadingDesk
from hardware.ports import ByteStream, Scan, ScanTrouble
from sync.kernel.outcome import PeerFault, Refused, Unavailable

NO_SUCH_ITEM = ("card.no-such-item", "module.command", "module.unknown-command")
"""What a card without a later address, or a module that cannot ask for it, answers."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait for what. A module finds and selects within 0.3 s and reads in 1 to 3 s (observed by others)."""

    poll_s: float = 0.4
    answer_s: float = 2.0
    read_s: float = 5.0
    step_s: float = 3.0
    idle_s: float = 5.0
    idle_look_s: float = 0.2


class OutOfStep(Exception):
    """What came is no answer of this command. `code` is its word."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ModuleLine:
    """Commands to one module and their answers, never mixed up."""

    def __init__(self, stream: ByteStream, mono_s: Callable[[], float], pace: Pace) -> None:
        self._stream = stream
        self._mono_s = mono_s
        self._pace = pace
        self._reader = AnswerReader()
        self._in_step = False
        self.heard_mono_s = mono_s()
        self.module = ""

    def ask(self, command: Command, wait_s: float) -> Answer | str:
        """The answer of success, or the module's word why not. OutOfStep when neither came."""
        if not self._in_step:
            self.step()
        self.drain(0.0)
        self._stream.write(command.frame())
        try:
            answer = self._next(self._mono_s() + wait_s)
            word = sam_v.trouble(command, answer)
            if word == "answer.shape":
                raise OutOfStep(word)
        except OutOfStep:
            self._in_step = False
            raise
        self.heard_mono_s = self._mono_s()
        return answer if word is None else word

    def step(self) -> None:
        """Fall into step: ask for the module's number until it comes. Unavailable `device.silent` when it does not."""
        for attempt in range(3):
            if attempt:
                # Half a frame with a wrong length would swallow every answer behind it.
                self._reader.clear()
            self._stream.write(sam_v.MODULE.frame())
            until_s = self._mono_s() + self._pace.step_s
            while self._mono_s() < until_s:
                try:
                    answer = self._next(until_s)
                except OutOfStep:
                    continue
                if sam_v.trouble(sam_v.MODULE, answer) is None:
                    self.module = sam_v.module_number(answer.data)
                    self._in_step, self.heard_mono_s = True, self._mono_s()
                    return
        raise Unavailable("device.silent", retry_s=5.0)

    def drain(self, wait_s: float) -> None:
        """Throw away what came unasked, waiting at most `wait_s` for it."""
        self._reader.clear()
        while self._stream.read(wait_s):
            wait_s = 0.0

    def _next(self, until_s: float) -> Answer:
        while (left_s := until_s - self._mono_s()) > 0:
            for found in self._reader.feed(self._stream.read(left_s)):
                if isinstance(found, Answer):
                    return found
                raise OutOfStep(found.code)
        raise OutOfStep("reader.silent")


class CardReader(LineSession):
    """A SAM_V module on a serial line: reads while `desk` has an open reading, else asks for a sign of life."""

    def __init__(
        self,
        open_stream: Callable[[], ByteStream],
        desk: ReadingDesk,
        mono_s: Callable[[], float] = time.monotonic,
        pace: Pace = Pace(),
        latest_address: bool = True,
    ) -> None:
        super().__init__(open_stream)
        self._desk = desk
        self._mono_s = mono_s
        self._pace = pace
        self._latest_address = latest_address

    def _work(self, stream: ByteStream, opened: Callable[[], None]) -> None:
        """Ready once the module said its number; a silent one is never ready."""
        line = ModuleLine(stream, self._mono_s, self._pace)
        line.step()
        opened()
        while True:
            self._turn(line)

    def _turn(self, line: ModuleLine) -> None:
        reading = self._desk.wanted()
        if reading is None:
            line.drain(self._pace.idle_look_s)
            if self._mono_s() - line.heard_mono_s >= self._pace.idle_s:
                line.step()
            return
        try:
            word = self._try(line, reading)
        except OutOfStep as fault:
            word = fault.code
        if word is None:
            return
        if word != "card.none":
            self._desk.stumbled(reading, word)
        line.drain(self._pace.poll_s)

    def _try(self, line: ModuleLine, reading: str) -> str | None:
        """One look for a card; why it came to nothing, or None when the reading has ended."""
        found = line.ask(sam_v.FIND, self._pace.answer_s)
        if isinstance(found, str):
            return found
        self._desk.saw_card(reading)
        selected = line.ask(sam_v.SELECT, self._pace.answer_s)
        if isinstance(selected, str):
            return selected
        read = line.ask(sam_v.READ, self._pace.read_s)
        if isinstance(read, str):
            return read
        address = ""
        try:
            if self._latest_address:
                told = line.ask(sam_v.ADDRESS, self._pace.answer_s)
                if isinstance(told, str) and told not in NO_SUCH_ITEM:
                    # The card may have gone, and another come: one person's text with another's address is neither.
                    return told
                address = "" if isinstance(told, str) else read_latest_address(told.data)
            text, photo = sam_v.text_and_photo(read)
            document = read_card_text(text)
        except PeerFault as fault:
            document = Refused(fault.code)
        if isinstance(document, Refused):
            self._desk.refuse(reading, document.code)
        else:
            self._desk.finish(reading, replace(document, latest_address=address), photo)
        return None


class ZoneCollector:
    """Lines of a zone as a reader sends them, one after the other or all in one; a late one begins anew."""

    def __init__(
        self,
        desk: ReadingDesk,
        today_on: Callable[[], datetime.date],
        mono_s: Callable[[], float],
        gap_s: float = 2.0,
        record: Callable[[Sequence[str], str], None] = lambda lines, code: None,
    ) -> None:
        self._desk = desk
        self._record = record
        self._today_on = today_on
        self._mono_s = mono_s
        self._gap_s = gap_s
        self._lines: list[str] = []
        self._last_s = 0.0

    def take(self, scan: Scan) -> None:
        now_s = self._mono_s()
        if now_s - self._last_s > self._gap_s:
            self._lines.clear()
        self._last_s = now_s
        self._lines = [*self._lines[-2:], scan.text.replace(" ", "")]
        reading = self._desk.wanted()
        zones = (zone_lines("\n".join(self._lines[-count:])) for count in (3, 2, 1))
        lines = next((zone for zone in zones if zone is not None), None)
        if lines is None:
            if len(self._lines[-1]) not in LINE_CHARS:
                self._record(self._lines, "identity.zone-form")
                self._lines.clear()
                self._stumble(reading, "identity.zone-form")
            return
        document = read_zone(lines, self._today_on())
        self._record(lines, document.code if isinstance(document, Refused) else "")
        if isinstance(document, Refused):
            # The lines stay: the last of a torn zone and the first of the next may have been taken for one. A zone is
            # read again in a second, so that one wrong check digit does not end the reading.
            self._stumble(reading, document.code)
            return
        self._lines.clear()
        if reading is not None:
            self._desk.finish(reading, document)

    def trouble(self, trouble: ScanTrouble) -> None:
        self._lines.clear()
        self._stumble(self._desk.wanted(), trouble.code)

    def _stumble(self, reading: str | None, code: str) -> None:
        if reading is not None:
            self._desk.stumbled(reading, code)


def zone_reader(
    open_stream: Callable[[], ByteStream],
    desk: ReadingDesk,
    today_on: Callable[[], datetime.date],
    *,
    typed: bool = False,
    silence_s: float = 0.08,
    mono_s: Callable[[], float] = time.monotonic,
    record: Callable[[Sequence[str], str], None] = lambda lines, code: None,
) -> Gun:
    """A passport reader that sends the zone's lines as a gun sends a code; `typed` for one that is a keyboard."""
    lines = ZoneCollector(desk, today_on, mono_s, record=record)
    make = hid_gun if typed else serial_gun
    return make(desk.device, open_stream, lines.take, lines.trouble, silence_s)
