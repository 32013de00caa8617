"""How things end when they do not end well: three kinds, told apart by whose turn it is.

`Refused` is a value: a rule said no, and the person reads why. `PeerFault` is their bytes being wrong: set aside,
count, go on. `Unavailable` is the world (disk, network, printer): try again later. Our own mistakes are assertions.
None of them carries patient data; the sentence is made at the screen, in the reader's language, from code and fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Field = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A rule said no. `code` is a dotted lower-case word (`handover.count-missing`), stable for API and translation.

    `fields` fill the sentence (numbers, ward codes, never names or record numbers).
    """

    code: str
    fields: Mapping[str, Field] = field(default_factory=dict)


class PeerFault(Exception):
    """Bytes from outside break their own format. `code` is counted and told to the peer; nothing of it is kept."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


class Unavailable(Exception):
    """The disk, the line or a device cannot do it now. `retry_s` says when to try again."""

    def __init__(self, code: str, retry_s: float = 1.0) -> None:
        super().__init__(code)
        self.code = code
        self.retry_s = retry_s
