"""Four words that both screens show after an enrolment, so that two people can see they speak of the same one.

Each word is a colour or manner and a thing, 16 of each: a byte. The words mean the same in both languages.
"""

from __future__ import annotations

import hashlib

_MANNERS = (
    ("红", "red"),
    ("白", "white"),
    ("黑", "black"),
    ("青", "green"),
    ("黄", "yellow"),
    ("金", "golden"),
    ("大", "big"),
    ("小", "small"),
    ("高", "tall"),
    ("老", "old"),
    ("新", "new"),
    ("冷", "cold"),
    ("暖", "warm"),
    ("快", "quick"),
    ("静", "quiet"),
    ("圆", "round"),
)
_THINGS = (
    ("山", "hill"),
    ("河", "river"),
    ("马", "horse"),
    ("鱼", "fish"),
    ("鸟", "bird"),
    ("船", "boat"),
    ("桥", "bridge"),
    ("灯", "lamp"),
    ("门", "door"),
    ("树", "tree"),
    ("花", "flower"),
    ("石", "stone"),
    ("云", "cloud"),
    ("月", "moon"),
    ("茶", "tea"),
    ("伞", "umbrella"),
)
assert len(_MANNERS) == len(_THINGS) == 16


def check_phrase(request: bytes, answer: bytes) -> dict[str, tuple[str, str, str, str]]:
    """The words of one enrolment, by language (`zh`, `en`): 32 bits over everything both sides said."""
    said = hashlib.sha256(request).digest() + hashlib.sha256(answer).digest()
    drawn = hashlib.sha256(b"way/1 phrase\0" + said).digest()[:4]
    zh = tuple(_MANNERS[byte >> 4][0] + _THINGS[byte & 15][0] for byte in drawn)
    en = tuple(f"{_MANNERS[byte >> 4][1]} {_THINGS[byte & 15][1]}" for byte in drawn)
    return {"zh": (zh[0], zh[1], zh[2], zh[3]), "en": (en[0], en[1], en[2], en[3])}
