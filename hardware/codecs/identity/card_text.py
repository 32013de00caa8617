"""The 256 bytes of text on the chip of an identity card, in the four layouts that are in use.

Text is UTF-16LE, padded with spaces. Bytes 248 and 249 say which layout: blank is a citizen's card, `I`, `J` and `Y`
are what they say, and any other mark is a document nobody here knows. It is not read as a citizen's, whose fields
would then be wrong without looking wrong.

Source: the layouts in public readers' programs, which agree; the standard of the module itself was not at hand.
"""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Mapping
from dataclasses import replace

from hardware.codecs.identity.code_tables import COUNTRIES, ETHNIC
from hardware.codecs.identity.document import SEX_OF_CODE, DocumentKind, IdentityDocument, read_date
from hardware.codecs.identity.numbers import read_number
from sync.kernel.outcome import PeerFault, Refused

TEXT_BYTES = 256
ADDRESS_BYTES = 70
MARK_AT = 248
LONG_TERM = "长期"

Layout = Mapping[str, tuple[tuple[int, int], ...]]
"""Field to (offset, length) in bytes; a field in two pieces has two."""

_VALID: Layout = {"issuer": ((158, 30),), "from": ((188, 16),), "to": ((204, 16),)}
_CITIZEN: Layout = {
    "name": ((0, 30),), "sex": ((30, 2),), "ethnic": ((32, 4),), "birth": ((36, 16),), "address": ((52, 70),),
    "number": ((122, 36),), **_VALID,
}  # fmt: skip
_HMT: Layout = {
    "name": ((0, 30),), "sex": ((30, 2),), "birth": ((36, 16),), "address": ((52, 70),), "number": ((122, 36),),
    **_VALID, "permit": ((220, 18),), "issues": ((238, 4),),
}  # fmt: skip
_FOREIGN_2017: Layout = {
    "latin": ((0, 120),), "sex": ((120, 2),), "number": ((122, 30),), "nationality": ((152, 6),),
    "name": ((158, 30),), "from": ((188, 16),), "to": ((204, 16),), "birth": ((220, 16),), "version": ((236, 4),),
    "authority": ((240, 8),),
}  # fmt: skip
_FOREIGN_2023: Layout = {
    "name": ((0, 30),), "sex": ((30, 2),), "issues": ((32, 4),), "birth": ((36, 16),), "latin": ((52, 70), (220, 22)),
    "number": ((122, 36),), "from": ((188, 16),), "to": ((204, 16),), "nationality": ((242, 6),), "link": ((250, 6),),
}  # fmt: skip

LAYOUTS: Mapping[str, tuple[DocumentKind, str, Layout]] = {
    "": ("citizen-card", "", _CITIZEN),
    "J": ("hmt-residence-permit", "", _HMT),
    "I": ("permanent-residence-card", "2017", _FOREIGN_2017),
    "Y": ("permanent-residence-card", "2023", _FOREIGN_2023),
}
"""Mark to kind, edition and layout."""

_MAY_BE_EMPTY = frozenset({"address", "issuer", "permit", "issues", "version", "authority", "link", "latin"})


def read_card_text(block: bytes) -> IdentityDocument | Refused:
    """The document of a chip's text.

    PeerFault `card-text.length` and `.characters` for bytes that are no such text. Refused, always with the same code
    for the same fault: `identity.unknown-document`, `.field-missing`, `.sex`, `.ethnic`, `.country`, `.date`,
    `.number-form`, `.check-digit`, `.province`, `.number-kind` (a number of another kind of document).
    """
    if len(block) != TEXT_BYTES:
        raise PeerFault("card-text.length")
    known = LAYOUTS.get(_mark(block))
    if known is None:
        return Refused("identity.unknown-document")
    kind, edition, layout = known
    told = {field: _text(b"".join(block[at : at + size] for at, size in places)) for field, places in layout.items()}
    empty = sorted(field for field, text in told.items() if not text and field not in _MAY_BE_EMPTY)
    # A foreigner without a Chinese name has the Latin one.
    if empty and not (empty == ["name"] and told.get("latin")):
        return Refused("identity.field-missing", {"field": empty[0]})
    return _document(kind, edition, told)


def read_latest_address(block: bytes) -> str:
    """What the chip's second address says, empty when nothing was added. PeerFault as `read_card_text`."""
    if len(block) != ADDRESS_BYTES:
        raise PeerFault("card-text.length")
    return _text(block)


def _mark(block: bytes) -> str:
    return block[MARK_AT : MARK_AT + 2].decode("utf-16-le", "replace").strip(" \0")


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-16-le").rstrip("\0").strip()
    except UnicodeDecodeError:
        raise PeerFault("card-text.characters") from None
    # Private-use characters are somebody's name; controls and unassigned non-characters are nobody's.
    if any(unicodedata.category(char) == "Cc" or ord(char) & 0xFFFE == 0xFFFE for char in text):
        raise PeerFault("card-text.characters")
    return text


def _document(kind: DocumentKind, edition: str, told: Mapping[str, str]) -> IdentityDocument | Refused:
    sex = SEX_OF_CODE.get(told["sex"])
    if sex is None:
        return Refused("identity.sex")
    if "ethnic" in told and told["ethnic"] not in ETHNIC:
        return Refused("identity.ethnic")
    if "nationality" in told and told["nationality"] not in COUNTRIES:
        return Refused("identity.country")
    birth_on, from_on, to_on = (read_date(told[field]) for field in ("birth", "from", "to"))
    long_term = told["to"] == LONG_TERM
    for field, on in (("birth", birth_on), ("from", from_on), ("to", datetime.date.max if long_term else to_on)):
        if on is None:
            return Refused("identity.date", {"field": field})
    assert birth_on is not None and from_on is not None
    if birth_on > from_on or (to_on is not None and to_on < from_on):
        return Refused("identity.date", {"field": "from"})
    number = read_number(told["number"])
    if isinstance(number, Refused):
        return number
    if (number.kind, number.edition) != (kind, edition):
        return Refused("identity.number-kind")
    document = IdentityDocument(
        kind, "chip", number.number, told["name"] or told["latin"], edition, told.get("latin", ""), sex, birth_on,
        told.get("ethnic", ""), told.get("nationality", "CHN"),
        told.get("address", ""), "", told.get("issuer", "") or told.get("authority", ""), from_on,
        None if long_term else to_on, long_term, told.get("permit", ""), told.get("link", ""),
        told.get("issues", "") or told.get("version", ""),
    )  # fmt: skip
    doubts = []
    if number.birth_on not in (None, birth_on):
        doubts.append("identity.birth-differs")
    if number.sex != "unknown" and sex in ("male", "female") and number.sex != sex:
        doubts.append("identity.sex-differs")
    if number.nationality != document.nationality:
        doubts.append("identity.nationality-differs")
    return replace(document, doubts=tuple(doubts))
