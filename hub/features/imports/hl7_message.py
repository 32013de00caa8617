"""An HL7 v2 message as text in segments, fields, repetitions and components, counted from 1 as the standard does.

Own thin access instead of a parser library: only five segments matter here, the message is split where it is asked and
nowhere else, so a message of nothing but separators costs nothing, and no field value reaches a log.
Source: HL7 v2.5, chapter 2, sections 2.5 (delimiters), 2.7 (escape sequences), 2.15.9 (MSH).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from hub.features.imports.charset import Charset, Declared, decode_text
from sync.kernel.outcome import PeerFault

MESSAGE_BYTES_MAX = 256 * 1024
SEGMENTS_MAX = 2000

Answer = Literal["AA", "AE", "AR"]

_SEGMENT_END = re.compile(r"\r\n|\r|\n")
_MSH = re.compile(r"MSH([!-/:-@\[-`{-~])(.{4,5}?)(?:\1|$)")
_GB_NAMES = ("GB18030", "GBK", "GB2312", "CP936")
_ESCAPES = {"F": 0, "S": 1, "R": 2, "E": 3, "T": 4}


class Hl7Fault(PeerFault):
    """A message that cannot be taken. `answer` AE: its content is wrong; AR: it is not of a kind we take at all.

    `condition` is the number of HL7 table 0357, `place` the field (`PID-3`). Nothing of the field's value is kept.
    """

    def __init__(self, answer: Answer, code: str, condition: int, place: str = "") -> None:
        super().__init__(code, place)
        self.answer = answer
        self.condition = condition
        self.place = place


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as text, with the charset its answer goes back in."""

    text: str
    charset: Charset


def decode_message(raw: bytes) -> Heard:
    """Bytes to text before anything is split; MSH-18 is a hint (see `charset`).

    Raises Hl7Fault AR `hl7.too-large` (over 256 KiB), `hl7.empty`, `hl7.encoding`.
    """
    if len(raw) > MESSAGE_BYTES_MAX:
        raise Hl7Fault("AR", "hl7.too-large", 207)
    if not raw.strip(b" \t\r\n\0"):
        raise Hl7Fault("AR", "hl7.empty", 100)
    try:
        text, charset = decode_text(raw, _declared(raw))
    except PeerFault:
        raise Hl7Fault("AR", "hl7.encoding", 102, "MSH-18") from None
    if charset == "utf-16":
        raise Hl7Fault("AR", "hl7.encoding", 102, "MSH-18")
    return Heard(text, charset)


def _declared(raw: bytes) -> Declared:
    """What MSH-18 names. Source: HL7 table 0211 (`GB 18030-2000`, `UNICODE UTF-8`), and what senders write for it."""
    first = re.split(rb"[\r\n]", raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:4096], maxsplit=1)[0]
    # Each reading may split a two-byte character at its `|`; under the right one the field is where it belongs.
    for charset in ("gb18030", "utf-8"):
        fields = first.decode(charset, "replace").split(chr(first[3]) if len(first) > 3 else "|")
        named = re.sub(r"[^A-Z0-9]", "", fields[17].upper()) if len(fields) > 17 else ""
        if charset == "gb18030" and named.startswith(_GB_NAMES):
            return "gb18030"
        if charset == "utf-8" and "UTF8" in named:
            return "utf-8"
    return None


class Segment:
    """One segment; fields by number, `MSH-1` being the separator itself."""

    def __init__(self, text: str, separators: str) -> None:
        self._separators = separators
        self.name = text[:3]
        self._fields = text.split(separators[0])
        if self.name == "MSH":
            self._fields.insert(1, separators[0])

    def raw(self, number: int) -> str:
        """A field with its separators and escapes, "" when absent or told as deleted (`""`)."""
        text = self._fields[number] if number < len(self._fields) else ""
        return "" if text == '""' else text

    def repetitions(self, number: int) -> list[str]:
        """The repetitions of a field that say anything, still raw."""
        return [one for one in self.raw(number).split(self._separators[2]) if one]

    def component(self, field: str, number: int) -> str:
        """A component's first subcomponent out of a raw repetition, unescaped.

        Raises Hl7Fault AE `hl7.escape` for an escape that is none of the delimiters'; highlighting is dropped.
        """
        components = field.split(self._separators[1])
        text = components[number - 1] if number <= len(components) else ""
        text = text.split(self._separators[4], 1)[0]
        return "" if text == '""' else self._unescape(text)

    def value(self, number: int, component: int = 1) -> str:
        """A component of a field's first repetition, unescaped, trimmed."""
        return self.component(self.raw(number).split(self._separators[2], 1)[0], component).strip()

    def _unescape(self, text: str) -> str:
        parts = text.split(self._separators[3])
        if len(parts) % 2 == 0:
            raise Hl7Fault("AE", "hl7.escape", 102, self.name)
        for i in range(1, len(parts), 2):
            if parts[i] in _ESCAPES:
                parts[i] = self._separators[_ESCAPES[parts[i]]]
            elif parts[i] in ("H", "N", ".br", ""):
                parts[i] = " " if parts[i] == ".br" else ""
            else:
                raise Hl7Fault("AE", "hl7.escape", 102, self.name)
        return "".join(parts)


class Message:
    """The segments of one message, found by name, split when asked for."""

    def __init__(self, text: str) -> None:
        """Raises Hl7Fault AR `hl7.no-header`, `hl7.separators`, `hl7.too-many-segments`."""
        lines = [line for line in _SEGMENT_END.split(text.strip(" \t\r\n\0")) if line.strip()]
        if not lines or not lines[0].startswith("MSH"):
            raise Hl7Fault("AR", "hl7.no-header", 100, "MSH")
        if len(lines) > SEGMENTS_MAX:
            raise Hl7Fault("AR", "hl7.too-many-segments", 207)
        self.separators = read_separators(lines[0])
        self._lines = [line.lstrip(" \t") for line in lines]
        self.header = Segment(lines[0], self.separators)

    def first(self, name: str) -> Segment:
        """The first segment of that name; an empty one when there is none."""
        return next(iter(self.all(name)), Segment(name, self.separators))

    def all(self, *names: str) -> list[Segment]:
        """Every segment of these names, in the message's order."""
        return [Segment(line, self.separators) for line in self._lines if line[:3] in names]


def read_separators(header: str) -> str:
    """Field, component, repetition, escape, subcomponent. Raises Hl7Fault AR `hl7.separators` unless all differ."""
    found = _MSH.match(header)
    # v2.7 adds a fifth encoding character for truncation, which no field here uses.
    separators = found[1] + found[2][:4] if found else ""
    if len(set(separators)) != 5 or any(c.isalnum() or not "!" <= c <= "~" for c in separators):
        raise Hl7Fault("AR", "hl7.separators", 102, "MSH-2")
    return separators
