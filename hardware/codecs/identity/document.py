"""One notion for whatever a person shows to say who they are, whichever way it was read."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Literal

DocumentKind = Literal[
    "citizen-card",  # 居民身份证
    "hmt-residence-permit",  # 港澳台居民居住证
    "permanent-residence-card",  # 外国人永久居留身份证
    "passport",  # 护照
    "hmt-travel-permit",  # 港澳台居民来往通行证
    "travel-document",  # any other document with a machine-readable zone
]
Sex = Literal["unknown", "male", "female", "not-stated"]
"""Source: GB/T 2261.1-2003, table 1: 0, 1, 2, 9. Nothing is ever filled in for what a card leaves open."""
Source = Literal["chip", "mrz"]

SEX_OF_CODE: dict[str, Sex] = {"0": "unknown", "1": "male", "2": "female", "9": "not-stated"}


@dataclass(frozen=True, slots=True, repr=False)
class IdentityDocument:
    """What was read, each field as the document has it; empty or None where it has none.

    `name` is the first one on the document: Chinese where there is one. Private-use characters stay in it. `edition`
    tells layouts of one kind apart (`2017`, `2023`; for a zone `TD1`, `TD2`, `TD3`). `nationality` is ISO 3166-1
    alpha-3 or a code of ICAO 9303, `ethnic` of GB/T 3304. `valid_to_on` None with `long_term` means 长期. `doubts`
    are codes of rules between fields that do not hold: not a reason to refuse, a reason to look.
    Its `repr` tells no person, so that no log and no traceback does.
    """

    kind: DocumentKind
    source: Source
    number: str
    name: str
    edition: str = ""
    latin_name: str = ""
    sex: Sex = "unknown"
    birth_on: datetime.date | None = None
    ethnic: str = ""
    nationality: str = ""
    address: str = ""
    latest_address: str = ""
    issuer: str = ""
    valid_from_on: datetime.date | None = None
    valid_to_on: datetime.date | None = None
    long_term: bool = False
    permit_number: str = ""
    former_link: str = ""
    issues: str = ""
    doubts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<{self.kind} {self.edition} by {self.source}>"

    def expired(self, today_on: datetime.date) -> bool:
        """Whether its last day is past. A document without a date of expiry is not."""
        return not self.long_term and self.valid_to_on is not None and self.valid_to_on < today_on


def read_date(text: str) -> datetime.date | None:
    """YYYYMMDD; None for what is no day of the calendar or no eight ASCII digits."""
    if len(text) != 8 or not text.isascii() or not text.isdigit():
        return None
    try:
        return datetime.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
