"""HL7 messages that come as a file: framed as on the line, or one after the other, with or without batch headers.

Source: HL7 v2.5, chapter 2, section 2.10.3 (FHS, BHS, BTS, FTS).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hub.features.imports.mllp_frames import END, START
from sync.kernel.outcome import Refused

FILE_BYTES_MAX = 10 * 1024 * 1024
MESSAGES_MAX = 50_000

_LINE = re.compile(rb"[^\r\n]+")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_ENVELOPE = (b"FHS", b"BHS", b"BTS", b"FTS")
_BOM = b"\xef\xbb\xbf"


class FoundMessage(NamedTuple):
    """A message and the line of the file, from 1, on which it begins."""

    line: int
    raw: bytes


def split_file(data: bytes) -> list[FoundMessage] | Refused:
    """The messages of a file, undecoded: line ends and MSH are the same bytes in UTF-8 and GB18030.

    Lines before the first MSH are passed over. Refused: `import.empty`, `import.too-large` (10 MiB),
    `import.too-many-messages` (50,000), `import.no-messages`.
    """
    if not data.strip():
        return Refused("import.empty")
    if len(data) > FILE_BYTES_MAX:
        return Refused("import.too-large", {"limit_mb": FILE_BYTES_MAX // 1024 // 1024})
    found: list[FoundMessage] = []
    line, at, parts = 1, 0, list[bytes]()
    began = 0
    for segment in _LINE.finditer(data.replace(START, b"\r").replace(END, b"\r")):
        line += len(_LINE_END.findall(data, at, segment.start()))
        at = segment.start()
        content = segment[0].removeprefix(_BOM).lstrip(b" \t")
        if content.startswith(b"MSH") or content.startswith(_ENVELOPE):
            if parts:
                found.append(FoundMessage(began, b"\r".join(parts) + b"\r"))
            parts, began = [content] if content.startswith(b"MSH") else [], line
            if len(found) >= MESSAGES_MAX:
                return Refused("import.too-many-messages", {"limit": MESSAGES_MAX})
        elif parts:
            parts.append(content)
    if parts:
        found.append(FoundMessage(began, b"\r".join(parts) + b"\r"))
    return found or Refused("import.no-messages")
