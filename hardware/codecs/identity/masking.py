"""A recording without the person: the same layout, length and status, invented contents, every check right again.

What cannot be taken apart is blanked whole: a byte whose meaning is not known may be somebody's.
"""

from __future__ import annotations

from hardware.codecs.identity import sam_v
from hardware.codecs.identity.card_text import ADDRESS_BYTES, LAYOUTS, MARK_AT, TEXT_BYTES, read_card_text
from hardware.codecs.identity.chip import BLANK_PHOTO, card_text, invented
from hardware.codecs.identity.document import IdentityDocument
from hardware.codecs.identity.mrz import check_digit, read_zone_form
from hardware.codecs.identity.sam_v import Answer
from sync.kernel.outcome import PeerFault

NAME = "某某"
ADDRESS = "某地"
BLANK = " ".encode("utf-16-le")
_KEPT_BYTES = {sam_v.MODULE.data_bytes}
"""Lengths of data that speak of a device alone."""


def masked_answer(answer: Answer) -> Answer:
    """The answer as it may be written down. Status and length stay."""
    data = answer.data
    if len(data) == sam_v.READ.data_bytes and data.startswith(sam_v.READ.head):
        at = len(sam_v.READ.head)
        return Answer(answer.status, data[:at] + masked_text(data[at : at + TEXT_BYTES]) + BLANK_PHOTO)
    if len(data) == ADDRESS_BYTES:
        return Answer(answer.status, ADDRESS.ljust(ADDRESS_BYTES // 2).encode("utf-16-le"))
    return answer if len(data) in _KEPT_BYTES else Answer(answer.status, bytes(len(data)))


def masked_text(block: bytes) -> bytes:
    """256 bytes of an invented person, in the same layout and read or refused alike as far as that tells nobody."""
    mark = block[MARK_AT : MARK_AT + 2].decode("utf-16-le", "replace").strip(" \0")
    try:
        read = read_card_text(block)
    except PeerFault:
        # Characters that are none: a lone surrogate in the name is refused for the same reason.
        return b"\x00\xd8" + BLANK * (TEXT_BYTES // 2 - 1)
    if mark not in LAYOUTS:
        return BLANK * (MARK_AT // 2) + block[MARK_AT : MARK_AT + 2] + BLANK * ((TEXT_BYTES - MARK_AT) // 2 - 1)
    if isinstance(read, IdentityDocument):
        return invented(mark, NAME)
    # Of a document that was refused the layout alone stays: which rule refused it is in the reading's code.
    return card_text(mark, {"name": NAME})


def masked_zone(lines: tuple[str, ...]) -> tuple[str, ...]:
    """A zone of the same form, kind and issuer, of an invented person. Lines that are no zone become `<` alone."""
    form = read_zone_form(lines)
    if form is None:
        return tuple("<" * len(line) for line in lines)
    head, number = lines[0][:5], "000000000"
    birth, sex, expiry = "000101", "<", "300101"
    nationality = lines[1][15:18] if form == "TD1" else lines[1][10:13]
    names = "MASKED<<MASKED"
    if form == "TD1":
        first = (head + number + check_digit(number)).ljust(30, "<")
        middle = (birth + check_digit(birth) + sex + expiry + check_digit(expiry) + nationality).ljust(29, "<")
        whole = check_digit(first[5:30] + middle[:7] + middle[8:15] + middle[18:29])
        return first, middle + whole, names.ljust(30, "<")
    chars = len(lines[0])
    second = (
        number + check_digit(number) + nationality + birth + check_digit(birth) + sex + expiry + check_digit(expiry)
    )
    second = second.ljust(chars - 1, "<")
    return (head + names).ljust(chars, "<"), second + check_digit(second[:10] + second[13:20] + second[21:])
