"""Whether a picture file is whole, by its own end marks: a vendor's program may still be writing it.

Source: ISO/IEC 10918-1 (JPEG: EOI), PNG specification 3rd ed. (IEND), ISO 32000-2 (PDF: %%EOF), TIFF 6.0 (header).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Media = Literal["image/jpeg", "image/png", "application/pdf", "image/tiff"]
TAIL_BYTES = 1024


class Kind(NamedTuple):
    """`closed` is whether the file's last bytes say that it is whole; a TIFF has no end mark and is never sure."""

    media_type: Media
    closed: bool


def kind_of(head: bytes, tail: bytes) -> Kind | None:
    """From the first 8 bytes and the last `TAIL_BYTES`; None for anything else."""
    if head.startswith(b"\xff\xd8\xff"):
        return Kind("image/jpeg", tail.rstrip(b"\0").endswith(b"\xff\xd9"))
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind("image/png", tail.endswith(b"IEND\xaeB`\x82"))
    if head.startswith(b"%PDF-"):
        return Kind("application/pdf", b"%%EOF" in tail)
    if head[:4] in (b"II*\0", b"MM\0*"):
        return Kind("image/tiff", False)
    return None


def dots_of(picture: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG or JPEG, from its head alone; None where it does not say so.

    Source: PNG specification 3rd ed., 11.2.1 (IHDR); ISO/IEC 10918-1, B.2.2 (SOF).
    """
    if picture[:8] == b"\x89PNG\r\n\x1a\n" and picture[12:16] == b"IHDR" and len(picture) >= 24:
        return int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")
    at = 2
    while picture[:2] == b"\xff\xd8" and at + 9 <= len(picture) and picture[at] == 0xFF:
        mark, size = picture[at + 1], int.from_bytes(picture[at + 2 : at + 4], "big")
        if mark in _FRAMES:
            return int.from_bytes(picture[at + 7 : at + 9], "big"), int.from_bytes(picture[at + 5 : at + 7], "big")
        at += 2 + size
    return None


_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Start of frame, whatever the coding; the three that are left out are tables."""
