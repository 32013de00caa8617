"""How far a document has come: the sides that are surely out, and the print job that is on its way.

A document becomes one print job a copy (copies of a single side are one job, all alike), so that a count of printed
sides says exactly which page comes next. After a break the next job begins with the first page that is missing. Two
sides of a sheet belong together: a break between them is a doubt about that sheet.

The trail is written to the ledger before each step, so that a box that stopped anywhere knows what it had begun:

    nothing → made (the job is held at the print server) → freed (from here on paper may come) → out

Each job's name is the ledger's job and a number, `way-5f0c…-2`: nothing about a person.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from hardware.codecs.document_ticket import Ranges, Ticket, ranges_of


def name_start(job_id: str) -> str:
    """How the names of all print jobs of a document begin."""
    return f"way-{job_id}-"


@dataclass(frozen=True, slots=True)
class Part:
    """One print job: which pages, how often, and where it stands.

    `number` and `uuid` are the print server's once it is made; a number alone is used again after a power cut.
    `freed_ms` is 0 until paper may come. `seen` is the highest count of sides the printer told of it, `seen_ms` when
    the printer was last asked and answered (wall clock).
    """

    name: str
    ranges: Ranges
    copies: int
    sides: int
    number: int = 0
    uuid: str = ""
    freed_ms: int = 0
    seen: int = 0
    seen_ms: int = 0
    at_printer: bool = False


@dataclass(frozen=True, slots=True)
class Trail:
    """`out` counts sides of the whole document, `tries` the print jobs made of it.

    `counted` is how many sides the printer counted in the jobs that ended: 0 of a printer that does not count.
    """

    out: int = 0
    tries: int = 0
    counted: int = 0
    part: Part | None = None

    @property
    def surely_out(self) -> int:
        return self.out + (self.part.seen if self.part else 0)


def next_part(ticket: Ticket, trail: Trail, job_id: str) -> Trail | None:
    """The trail with the next print job begun; None when every side is out."""
    wanted = ticket.wanted
    if trail.out >= ticket.sides_in_all:
        return None
    copy_no, gone = divmod(trail.out, len(wanted))
    pages = wanted[gone:]
    copies = ticket.copies - copy_no if len(wanted) == 1 else 1
    part = Part(f"{name_start(job_id)}{trail.tries + 1}", ranges_of(pages), copies, len(pages) * copies)
    return replace(trail, tries=trail.tries + 1, part=part)


def part_out(trail: Trail, sides: int) -> Trail:
    """The job on its way has ended with so many sides out."""
    counted = trail.part.seen if trail.part else 0
    return replace(trail, out=trail.out + sides, counted=trail.counted + counted, part=None)


def rest(ticket: Ticket, trail: Trail) -> Trail:
    """Where a new job goes on after a doubt: behind the sides that are surely out, at the front of a sheet."""
    per_copy = len(ticket.wanted)
    copy_no, gone = divmod(min(trail.surely_out, ticket.sides_in_all), per_copy)
    return Trail(copy_no * per_copy + gone - (gone % 2 if ticket.two_sided else 0))


def between_sheets(ticket: Ticket, trail: Trail, sides: int) -> bool:
    """Whether a break after so many sides of the job on its way falls between two sheets."""
    assert trail.part is not None
    return not ticket.two_sided or sides % 2 == 0 or sides >= trail.part.sides


def encode(trail: Trail) -> str:
    return json.dumps(asdict(trail), separators=(",", ":"))


def decode(text: str) -> Trail:
    """What `encode` wrote; an empty text is a document nobody has begun."""
    if not text:
        return Trail()
    told: dict[str, Any] = json.loads(text)
    part = told.pop("part")
    if part is not None:
        part = Part(**{**part, "ranges": tuple((first, end) for first, end in part["ranges"])})
    return Trail(**told, part=part)
