"""The other direction: what a chip would hold of an invented document, for twins, recordings and demonstrations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hardware.codecs.identity.card_text import LAYOUTS, MARK_AT, TEXT_BYTES
from hardware.codecs.identity.numbers import check_char
from hardware.codecs.identity.sam_v import PHOTO_BYTES

BLANK_PHOTO = bytes(PHOTO_BYTES)


@dataclass(frozen=True, slots=True, repr=False)
class Chip:
    """One card. `latest_address` is None where the card has no such item."""

    text: bytes
    photo: bytes = BLANK_PHOTO
    latest_address: str | None = None


def card_text(mark: str, told: Mapping[str, str]) -> bytes:
    """256 bytes of the layout with this mark. ValueError for a field that is not of it or does not fit."""
    _, _, layout = LAYOUTS[mark]
    block = bytearray(" ".encode("utf-16-le") * (TEXT_BYTES // 2))
    for field, text in told.items():
        places = layout.get(field, ())
        raw = text.encode("utf-16-le")
        if len(raw) > sum(size for _, size in places):
            raise ValueError(f"{field} does not fit")
        for at, size in places:
            piece, raw = raw[:size], raw[size:]
            block[at : at + len(piece)] = piece
    if mark:
        block[MARK_AT : MARK_AT + 2] = mark.encode("utf-16-le")
    return bytes(block)


def invented_number(mark: str, birth: str, serial: int) -> str:
    """A number that its rules let through, for an invented person."""
    if mark == "I":
        return f"CAN1100{birth[2:]}{serial % 100:02}"
    place = {"": "110101", "J": "810000", "Y": "911124"}[mark]
    body = f"{place}{birth}{serial % 1000:03}"
    return body + check_char(body)


def invented(mark: str, name: str, *, birth: str = "19850101", sex: str = "1", serial: int = 1, **more: str) -> bytes:
    """The text of an invented person's document; `more` are fields of its layout."""
    told = {
        "name": name, "sex": sex, "birth": birth, "number": invented_number(mark, birth, serial), "from": "20200229",
        "to": "20400228",
    } | {
        "": {"ethnic": "01", "address": "某市某区某街一号", "issuer": "某市公安局"},
        "J": {"address": "某市某区某街一号", "issuer": "某市公安局", "permit": "H00000000", "issues": "01"},
        "I": {"latin": "DOE, ALEX", "nationality": "CAN", "version": "01", "authority": "1500"},
        "Y": {"latin": "DOE, ALEX", "nationality": "CAN", "issues": "00"},
    }[mark]  # fmt: skip
    return card_text(mark, told | more)
