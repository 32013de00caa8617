"""What is called, taken apart into what a voice pack has recorded and what has to be read out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of a call. A name is read as names are: 单 is Shàn there and dān elsewhere."""

    text: str
    is_name: bool = False


@dataclass(frozen=True, slots=True)
class Announcement:
    """One call of one area. `call_id` is said once only; `rate` 0.5 to 2; `urgent` goes before what waits."""

    call_id: str
    words: tuple[Word, ...]
    repeat: int = 1
    rate: float = 1.0
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording of the voice pack, by the text it says."""

    text: str


Part = Clip | Word


def parts(words: tuple[Word, ...], clips: Collection[str]) -> list[Part]:
    """The longest recording wins at each place; neighbours without one are read out together.

    A name is one recording or none: half a recorded name and half a read one is nobody's name.
    """
    longest = max(map(len, clips), default=0)
    found: list[Part] = []
    for word in words:
        if word.is_name:
            found.append(Clip(word.text) if word.text in clips else word)
            continue
        at, unread = 0, ""
        while at < len(word.text):
            size = next((n for n in range(longest, 0, -1) if word.text[at : at + n] in clips), 0)
            size = min(size, len(word.text) - at)
            if not size:
                unread += word.text[at]
                at += 1
                continue
            if unread.strip():
                found.append(Word(unread))
            unread = ""
            found.append(Clip(word.text[at : at + size]))
            at += size
        if unread.strip():
            found.append(Word(unread))
    return found
