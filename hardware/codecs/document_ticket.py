"""A document with the wish how to print it, as one piece of bytes: what a ledger keeps and a document printer takes.

Layout: `WAYDOC1`, a line of JSON, the PDF. The driver turns the wish into print jobs; which of them is on its way is
in `document_trail`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sync.kernel.outcome import PeerFault

Sides = Literal["one-sided", "two-sided-long-edge", "two-sided-short-edge"]
Ranges = tuple[tuple[int, int], ...]

MAGIC = b"WAYDOC1\n"
COPIES_MAX = 99
PAGES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Ticket:
    """`pages` is how many the document has; `ranges` which of them are wanted, first and last, rising; empty: all."""

    pages: int
    ranges: Ranges = ()
    copies: int = 1
    colour: bool = False
    sides: Sides = "one-sided"

    def __post_init__(self) -> None:
        """PeerFault `paper.ticket` for a wish that no document fulfils."""
        good = 1 <= self.pages <= PAGES_MAX and 1 <= self.copies <= COPIES_MAX and self.sides in get_args(Sides)
        last = 0
        for first, end in self.ranges:
            good = good and last < first <= end <= self.pages
            last = end
        if not good:
            raise PeerFault("paper.ticket")

    @property
    def wanted(self) -> tuple[int, ...]:
        """The page numbers of one copy, in order."""
        return tuple(page for first, end in self.ranges or ((1, self.pages),) for page in range(first, end + 1))

    @property
    def sides_in_all(self) -> int:
        """How many printed sides make the whole job: the pages wanted, times copies."""
        return len(self.wanted) * self.copies

    @property
    def two_sided(self) -> bool:
        return self.sides != "one-sided"


def encode(ticket: Ticket, pdf: bytes) -> bytes:
    told = {
        "pages": ticket.pages,
        "ranges": [list(each) for each in ticket.ranges],
        "copies": ticket.copies,
        "colour": ticket.colour,
        "sides": ticket.sides,
    }
    return MAGIC + json.dumps(told, separators=(",", ":")).encode("ascii") + b"\n" + pdf


def decode(payload: bytes) -> tuple[Ticket, bytes]:
    """PeerFault `paper.ticket` for bytes that are no document with its wish."""
    head, found, pdf = payload.removeprefix(MAGIC).partition(b"\n")
    if not payload.startswith(MAGIC) or not found or len(head) > 65_536:
        raise PeerFault("paper.ticket")
    try:
        told: Any = json.loads(head)
        ranges = tuple((_whole(first), _whole(end)) for first, end in told["ranges"])
        ticket = Ticket(
            _whole(told["pages"]), ranges, _whole(told["copies"]), told["colour"] is True, told["sides"]
        )  # fmt: skip
    except (ValueError, TypeError, KeyError, RecursionError) as fault:
        raise PeerFault("paper.ticket") from fault
    return ticket, pdf


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise ValueError
    return value


def ranges_of(pages: tuple[int, ...]) -> Ranges:
    """Rising page numbers as first-last pairs."""
    found: list[tuple[int, int]] = []
    for page in pages:
        if found and page == found[-1][1] + 1:
            found[-1] = (found[-1][0], page)
        else:
            found.append((page, page))
    return tuple(found)
