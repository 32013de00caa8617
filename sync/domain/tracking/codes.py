"""What a gun or a finger gives for a record: `[site prefix]record-no[-stay-no]` of Code 128 or Code 39.

    code    = [prefix] record [ "-" stay ]
    record  = 4*20 ( digit / upper-case letter )
    stay    = 1*4 digit          ; 0, or none: not told

Full-width digits and letters count as their narrow forms, lower case as upper. Nothing is guessed beyond that: what
does not fit is refused by its reason, so that the screen can say what was seen.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

from sync.domain.tracking.facts import stay_key
from sync.kernel.outcome import Refused

CODE_CHARS_MAX: Final = 64
RECEIPT_MARK: Final = "WAY1:"
"""How the text of a receipt's 2-D code begins."""

_RECORD: Final = re.compile(r"([0-9A-Z]{4,20})(?:-([0-9]{1,4}))?")
_ALLOWED: Final = re.compile(r"[0-9A-Z-]+")


class Code(NamedTuple):
    """A record number, and the stay number where it was told (without leading zeros)."""

    record_no: str
    stay_no: str | None

    @property
    def key(self) -> str:
        """The key of the stay that the code names by itself."""
        return stay_key(self.record_no, self.stay_no)


def is_receipt(text: str) -> bool:
    """Whether it is a code of a receipt and not of a record."""
    return text.startswith(RECEIPT_MARK)


def parse_code(text: str, prefixes: Sequence[str] = ()) -> Code | Refused:
    """Read a code. Refused `code.empty`, `code.receipt`, `code.too-long`, `code.characters`, `code.form`.

    The longest prefix that leaves a whole code is taken off; a code that carries none is read as it stands.
    """
    if is_receipt(text):
        return Refused("code.receipt")
    if len(text) > CODE_CHARS_MAX:
        return Refused("code.too-long", {"limit": CODE_CHARS_MAX})
    plain = unicodedata.normalize("NFKC", text).strip().upper()
    if not plain:
        return Refused("code.empty")
    if not _ALLOWED.fullmatch(plain):
        return Refused("code.characters")
    for prefix in sorted((*prefixes, ""), key=len, reverse=True):
        if plain.startswith(prefix.upper()) and (found := _RECORD.fullmatch(plain[len(prefix) :])):
            stay = (found[2] or "").lstrip("0")
            return Code(found[1], stay or None)
    return Refused("code.form")


def code_text(prefix: str, record_no: str, stay_no: str) -> str:
    """What a label carries, so that our own guns read back the same record and stay."""
    return f"{prefix}{record_no}" if stay_no == "0" else f"{prefix}{record_no}-{stay_no}"
