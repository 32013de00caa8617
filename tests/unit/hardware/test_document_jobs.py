"""A document as print jobs: which pages come next after any break, and what is believed of what is seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.codecs import document_ticket, document_trail
from hardware.codecs.document_judge import (
    ABORTED,
    CANCELED,
    COMPLETED,
    FORGETS_MS,
    HELD,
    PENDING,
    PROCESSING,
    PrinterJob,
    PrinterLook,
    QueueLook,
    Verdict,
    judge,
    judge_by_server,
)
from hardware.codecs.document_ticket import Ticket
from hardware.codecs.document_trail import Part, Trail, between_sheets, next_part, part_out, rest
from sync.kernel.outcome import PeerFault


@st.composite
def tickets(draw: st.DrawFn) -> Ticket:
    pages = draw(st.integers(1, 12))
    wanted = tuple(sorted(draw(st.sets(st.integers(1, pages)))))
    return Ticket(
        pages,
        document_ticket.ranges_of(wanted),
        draw(st.integers(1, 3)),
        draw(st.booleans()),
        draw(st.sampled_from(["one-sided", "two-sided-long-edge", "two-sided-short-edge"])),
    )


@given(tickets(), st.binary(max_size=20))
def test_a_ticket_survives_its_bytes(ticket: Ticket, pdf: bytes) -> None:
    assert document_ticket.decode(document_ticket.encode(ticket, pdf)) == (ticket, pdf)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_document_or_refused(data: bytes) -> None:
    for payload in (data, document_ticket.MAGIC + data, document_ticket.MAGIC + b'{"pages":' + data + b"}\n"):
        try:
            document_ticket.decode(payload)
        except PeerFault as fault:
            assert fault.code == "paper.ticket"


@pytest.mark.parametrize(
    "wish",
    [
        {"pages": 0},
        {"pages": 3, "copies": 0},
        {"pages": 3, "copies": 100},
        {"pages": 3, "ranges": ((2, 4),)},  # beyond the last page
        {"pages": 9, "ranges": ((3, 4), (4, 5))},  # a page twice
        {"pages": 9, "ranges": ((5, 6), (1, 2))},  # falling: a count would mean other pages
        {"pages": 3, "sides": "both"},
    ],
)
def test_a_wish_that_no_document_fulfils_is_refused(wish: dict) -> None:
    with pytest.raises(PeerFault):
        Ticket(**wish)


@pytest.mark.row("F11.1")
@given(tickets(), st.data())
def test_whatever_breaks_every_side_comes_once_and_in_order(ticket: Ticket, data: st.DataObject) -> None:
    """Each job is cut anywhere between two sheets; what comes out in the end is the document."""
    trail, came, names = Trail(), [], set()
    while (begun := next_part(ticket, trail, "j1")) is not None:
        trail = document_trail.decode(document_trail.encode(begun))
        part = trail.part
        assert part is not None and part.name not in names
        names.add(part.name)
        pages = [page for first, end in part.ranges for page in range(first, end + 1)] * part.copies
        assert len(pages) == part.sides
        out = data.draw(st.integers(0, part.sides), label="sides out")
        if not between_sheets(ticket, trail, out):
            out += 1
        if trail.tries > 40:
            out = part.sides
        came += pages[:out]
        trail = part_out(trail, out)
    assert came == list(ticket.wanted) * ticket.copies


def test_a_break_inside_a_sheet_is_seen() -> None:
    ticket = Ticket(5, sides="two-sided-long-edge")
    trail = next_part(ticket, Trail(), "j1")
    assert trail is not None
    assert [between_sheets(ticket, trail, sides) for sides in range(6)] == [True, False, True, False, True, True]


@pytest.mark.parametrize(
    ("ticket", "out", "goes_on"),
    [
        (Ticket(5), 3, 3),
        (Ticket(5, sides="two-sided-long-edge"), 3, 2),
        (Ticket(5, copies=2, sides="two-sided-long-edge"), 6, 5),  # the second copy begins a new sheet
        (Ticket(5, copies=2, sides="two-sided-long-edge"), 5, 5),
        (Ticket(2), 9, 2),
    ],
)
def test_the_rest_begins_behind_what_is_surely_out(ticket: Ticket, out: int, goes_on: int) -> None:
    assert rest(ticket, Trail(out)) == Trail(goes_on)


NOW = 1_000_000_000
PART = Part("way-j1-1", ((1, 4),), 1, 4, number=7, uuid="u", freed_ms=NOW - 10_000, seen=1, seen_ms=NOW - 500)
SEEN = Part("way-j1-1", ((1, 4),), 1, 4, 7, "u", NOW - 10_000, 1, NOW - 500, at_printer=True)
UP = NOW - 3_600_000


def at_printer(*jobs: PrinterJob, up_since_ms: int = UP) -> PrinterLook:
    return PrinterLook(jobs, up_since_ms)


DONE = QueueLook(COMPLETED)
CASES = [
    ("the printer is off", PART, DONE, None, Verdict("wait", 1, "gone")),
    ("it prints", PART, DONE, at_printer(PrinterJob(1, PROCESSING, (), 2)), Verdict("wait", 2)),
    ("it is done", PART, DONE, at_printer(PrinterJob(1, COMPLETED, (), 4)), Verdict("whole", 4)),
    ("done, the server is down", PART, None, at_printer(PrinterJob(1, COMPLETED, (), 4)), Verdict("whole", 4)),
    ("done with too few", PART, DONE, at_printer(PrinterJob(1, COMPLETED, (), 3)),
     Verdict("doubt", 3, "pages-missing")),
    ("a jam dropped it", PART, QueueLook(CANCELED), at_printer(PrinterJob(1, ABORTED, (), 2)), Verdict("cut", 2)),
    ("dropped after the last side", PART, DONE, at_printer(PrinterJob(1, ABORTED, (), 4)), Verdict("whole", 4)),
    ("a person took it back", PART, DONE, at_printer(PrinterJob(1, CANCELED, ("job-canceled-by-user",), 2)),
     Verdict("doubt", 2, "canceled")),
    ("it does not count", PART, DONE, at_printer(PrinterJob(1, ABORTED, (), None)), Verdict("doubt", 1, "cut")),
    ("it has two", PART, DONE, at_printer(PrinterJob(1, COMPLETED, (), 4), PrinterJob(2, PENDING)),
     Verdict("doubt", 1, "twice")),
    ("its power failed", SEEN, DONE, at_printer(up_since_ms=NOW - 100), Verdict("doubt", 1, "power")),
    ("it forgot", SEEN, DONE, at_printer(), Verdict("doubt", 1, "forgotten")),
    ("on its way", PART, QueueLook(PROCESSING), at_printer(), Verdict("wait")),
    ("still held", PART, QueueLook(HELD), at_printer(), Verdict("wait")),
    ("not there, the server is down", PART, None, at_printer(), Verdict("wait", 0, "server-gone")),
    ("never arrived", PART, QueueLook(CANCELED), at_printer(), Verdict("cut", 0)),
    ("lost by the server, never arrived", PART, QueueLook(0), at_printer(), Verdict("cut", 0)),
    ("never seen, but it was off", PART, DONE, at_printer(up_since_ms=NOW - 5_000), Verdict("doubt", 0, "forgotten")),
]  # fmt: skip


@pytest.mark.row("F11.1")
@pytest.mark.parametrize(("part", "queue", "printer", "end"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_what_is_believed(part: Part, queue: QueueLook | None, printer: PrinterLook | None, end: Verdict) -> None:
    assert judge(part, queue, printer, once=True, counts=True, now_ms=NOW) == end


def test_silence_of_the_list_proves_nothing_after_looking_away() -> None:
    for now_ms in (PART.seen_ms + FORGETS_MS + 1, PART.freed_ms - 60_000):  # the second: a clock that was set back
        found = judge(PART, DONE, at_printer(up_since_ms=0), once=True, counts=True, now_ms=now_ms)
        assert found == Verdict("doubt", 0, "forgotten")


def test_a_server_that_may_still_deliver_leaves_a_doubt() -> None:
    found = judge(PART, QueueLook(CANCELED), at_printer(), once=False, counts=True, now_ms=NOW)
    assert found == Verdict("doubt", 0, "lost")


def test_a_printer_that_does_not_count_is_believed_when_it_is_done_and_never_cut() -> None:
    done, dropped = at_printer(PrinterJob(1, COMPLETED, (), 0)), at_printer(PrinterJob(1, ABORTED, (), 0))
    assert judge(PART, DONE, done, once=True, counts=False, now_ms=NOW) == Verdict("whole", 4)
    assert judge(PART, DONE, dropped, once=True, counts=False, now_ms=NOW) == Verdict("doubt", 1, "cut")


@pytest.mark.parametrize(
    ("queue", "end"),
    [
        (None, Verdict("wait", 0, "server-gone")),
        (QueueLook(PROCESSING), Verdict("wait", 0)),
        (QueueLook(COMPLETED), Verdict("whole", 0, "handed-over")),
        (QueueLook(CANCELED), Verdict("doubt", 0, "cut")),
        (QueueLook(0), Verdict("doubt", 0, "lost")),
    ],
)
def test_a_printer_that_cannot_be_asked_is_only_handed_to(queue: QueueLook | None, end: Verdict) -> None:
    assert judge_by_server(queue) == end
