"""Bytes to text where the sender may say UTF-8, say GB18030, say nothing, or say the wrong one.

Decoding comes before any splitting: 116 common characters hold `|` (0x7C) as their second byte in GB18030, and others
hold `\\`, `^` and `~`.
"""

from __future__ import annotations

import codecs
from typing import Literal, NamedTuple

from sync.kernel.outcome import PeerFault

Charset = Literal["utf-8", "gb18030", "utf-16"]
Declared = Literal["utf-8", "gb18030"] | None

_HANZI_FROM = "\u0800"
"""No UTF-8 sequence of two bytes reaches it, every Chinese character lies above it."""


class Decoded(NamedTuple):
    """Text without its byte order mark, and the charset it came in (an answer goes back in the same)."""

    text: str
    charset: Charset


def decode_text(data: bytes, declared: Declared = None) -> Decoded:
    """Decode strictly; raises PeerFault `text.encoding` when no charset fits.

    Strict UTF-8 that yields Chinese is UTF-8 whatever was declared: GB18030 text passes as such only by an accident
    that needs every character of the file to take part. The reverse accident is common: one in five frequent
    characters (毛 is C3 AB) is also a valid two-byte UTF-8 sequence, so a short GB18030 message reads as accented
    Latin. There the declaration decides, and without one the reading that consists of Chinese characters.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        as_utf16 = _strictly(data, "utf-16")
        if as_utf16 is None:
            raise PeerFault("text.encoding")
        return Decoded(as_utf16, "utf-16")
    if data.startswith(codecs.BOM_UTF8):
        data, declared = data[len(codecs.BOM_UTF8) :], "utf-8"
    as_utf8 = _strictly(data, "utf-8")
    if as_utf8 is not None and (declared == "utf-8" or as_utf8.isascii() or max(as_utf8) >= _HANZI_FROM):
        return Decoded(as_utf8, "gb18030" if declared == "gb18030" and as_utf8.isascii() else "utf-8")
    as_gb = _strictly(data, "gb18030")
    if as_gb is not None and (as_utf8 is None or declared == "gb18030" or _only_hanzi(as_gb)):
        return Decoded(as_gb, "gb18030")
    if as_utf8 is None:
        raise PeerFault("text.encoding")
    return Decoded(as_utf8, "utf-8")


def _strictly(data: bytes, charset: Charset) -> str | None:
    try:
        return data.decode(charset)
    except UnicodeDecodeError:
        return None


def _only_hanzi(text: str) -> bool:
    return all(c.isascii() or "\u3000" <= c <= "\u9fff" or "\uff00" <= c <= "\uffef" for c in text)
