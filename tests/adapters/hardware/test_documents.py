"""Documents on an office printer: the real cupsd, the real ippeveprinter, pages read back with poppler."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from hardware.codecs.document_judge import CANCELED
from hardware.codecs.document_ticket import Ticket
from hardware.drivers.cups_client import CupsClient
from hardware.drivers.print_queue import PrintQueue
from hardware.drivers.supervisor import Supervisor
from hardware.ports import DeviceView, Job, Outcome, PrinterStatus
from hardware.twins.escpos_printer import EscposPrinterTwin
from hardware.twins.paper_printer import PaperPrinter
from hardware.twins.print_room import PrintRoom, free_port
from sync.kernel.outcome import Unavailable
from tests.adapters.hardware.document_room import (
    came_out,
    document_job,
    doubles,
    print_room,
    printer_at,
    wanted,
)
from tests.adapters.hardware.paper_room import PATIENCE_S, MemoryLedger, titles
from tests.waiting import until


@pytest.fixture(scope="module")
def room() -> Iterator[PrintRoom]:
    with print_room() as room:
        yield room


@pytest.fixture(scope="module")
def office(room: PrintRoom) -> PaperPrinter:
    printer = room.add_printer("office", side_s=0.03)
    room.add_queue("office", printer)
    return printer


@pytest.fixture(autouse=True)
def mended(office: PaperPrinter) -> Iterator[None]:
    yield
    office.load_paper()
    office.clear_jam()
    office.slow(0.03)


class Desk:
    """Prints one document as a queue would; `seen` is what a person was told."""

    def __init__(self, room: PrintRoom, on_told: Callable[[str], None] = lambda reason: None) -> None:
        self.seen: list[str] = []
        self.trails: list[str] = []
        self._on_told = on_told
        self.printer = printer_at(room, "office")

    def print(self, job: Job) -> Outcome:
        assert self.printer.status().state == "ready"
        return self.printer.print_traced(job, self._told, self.trails.append)

    def _told(self, reason: str) -> None:
        self.seen.append(reason)
        self._on_told(reason)


WISHES = {
    "all": Ticket(3),
    "ranges": Ticket(6, ((2, 3), (5, 5))),
    "copies": Ticket(2, copies=3),
    "copies of one page": Ticket(4, ((4, 4),), copies=3),
    "colour": Ticket(2, colour=True),
    "two-sided": Ticket(5, sides="two-sided-long-edge"),
    "two-sided copies": Ticket(4, ((1, 3),), 2, True, "two-sided-short-edge"),
}


@pytest.mark.row("F08.1", "F08.2")
@pytest.mark.parametrize("wish", WISHES)
def test_a_document_comes_out_as_wished(room: PrintRoom, office: PaperPrinter, wish: str) -> None:
    ticket, key = WISHES[wish], wish.replace(" ", "")
    assert Desk(room).print(document_job(key, ticket)) == Outcome("confirmed")
    assert came_out(office, key) == wanted(key, ticket)
    sheets = [sheet for sheet in office.sheets if sheet["sides"][0].startswith(f"{key} ")]
    assert {sheet["colour"] for sheet in sheets} == {ticket.colour}
    assert max(len(sheet["sides"]) for sheet in sheets) == (2 if ticket.two_sided else 1)
    assert all(sheet["job"].startswith(f"way-{key}-") for sheet in sheets)


@pytest.mark.row("F11.2")
def test_without_paper_it_is_held_and_goes_on_by_itself(room: PrintRoom, office: PaperPrinter) -> None:
    office.paper_out(after_sheets=2)
    desk = Desk(room, lambda reason: office.load_paper() if reason == "paper-out" else None)
    assert desk.print(document_job("paper", Ticket(5))) == Outcome("confirmed")
    assert desk.seen == ["paper-out", ""]
    assert came_out(office, "paper") == wanted("paper", Ticket(5))


@pytest.mark.row("F11.1", "F11.2")
@pytest.mark.parametrize(
    ("key", "ticket", "after"),
    [
        ("jam", Ticket(5), 2),
        ("jamtwosided", Ticket(6, sides="two-sided-long-edge"), 1),
        ("jamcopies", Ticket(3, copies=2), 4),
        ("jamsame", Ticket(1, copies=4), 1),
    ],
)
def test_a_jam_that_dropped_the_job_is_mended_by_what_is_missing(
    room: PrintRoom, office: PaperPrinter, key: str, ticket: Ticket, after: int
) -> None:
    office.jam(after)
    desk = Desk(room, lambda reason: office.clear_jam() if reason == "jam" else None)
    assert desk.print(document_job(key, ticket)) == Outcome("confirmed")
    assert "jam" in desk.seen and desk.seen[-1] == ""
    assert came_out(office, key) == wanted(key, ticket)


@pytest.mark.row("F11.1")
def test_power_lost_in_mid_print_is_a_doubt_that_says_how_many_surely_came(
    room: PrintRoom, office: PaperPrinter
) -> None:
    office.slow(0.3)

    def cut() -> None:
        until(lambda: len(came_out(office, "power")) == 2)
        office.power_off()
        time.sleep(0.3)  # the time the person takes to the switch; nothing waits for it
        office.power_on()

    person = threading.Thread(target=cut)
    person.start()
    desk = Desk(room)
    assert desk.print(document_job("power", Ticket(6))) == Outcome("unknown", "power")
    person.join()
    assert "gone" in desk.seen
    assert not doubles(office, "power", Ticket(6)) and len(came_out(office, "power")) < 6


@pytest.mark.row("F11.1")
def test_the_print_server_killed_in_mid_print_harms_nothing(room: PrintRoom, office: PaperPrinter) -> None:
    office.slow(0.3)

    def kill() -> None:
        until(lambda: len(came_out(office, "server")) == 1)
        room.kill_server()
        room.start_server()

    person = threading.Thread(target=kill)
    person.start()
    assert Desk(room).print(document_job("server", Ticket(4))) == Outcome("confirmed")
    person.join()
    assert Desk(room).print(document_job("after", Ticket(1))) == Outcome("confirmed")
    assert came_out(office, "server") == wanted("server", Ticket(4))


@pytest.mark.row("F11.1")
def test_a_server_killed_before_it_could_deliver_does_not_deliver_later(room: PrintRoom, office: PaperPrinter) -> None:
    """The job waits for a printer that is off. Server and backend die with it; what comes is a second job, alone."""
    desk = Desk(room)
    assert desk.printer.status().state == "ready"
    office.power_off()

    def mend() -> None:
        until(lambda: "gone" in desk.seen)
        room.kill_server()
        room.start_server()
        office.power_on()

    person = threading.Thread(target=mend)
    person.start()
    outcome = desk.printer.print_traced(document_job("late", Ticket(2)), desk._told, desk.trails.append)
    person.join()
    # Whether the printer had it and forgot it with its power, nobody can tell.
    assert outcome == Outcome("unknown", "forgotten")
    assert Desk(room).print(document_job("next", Ticket(1))) == Outcome("confirmed")
    assert came_out(office, "late") == []


@pytest.mark.row("F11.1")
def test_a_person_who_cancels_at_the_printer_is_asked_what_they_meant(room: PrintRoom, office: PaperPrinter) -> None:
    office.paper_out(after_sheets=1)
    client = CupsClient(room.server)

    def cancel(reason: str) -> None:
        if reason == "paper-out":
            found = client.ask("printer", uri=office.uri, name="way-cancel-1")["jobs"]
            client.ask("cancel_at_printer", uri=office.uri, number=found[0]["number"])
            office.jam()  # the twin does not hear of it; a sheet that is stuck ends its job as well
            office.load_paper()
        elif reason == "jam":
            office.clear_jam()

    assert Desk(room, cancel).print(document_job("cancel", Ticket(3))) == Outcome("unknown", "canceled")
    client.close()
    assert not doubles(office, "cancel", Ticket(3))


@pytest.mark.row("F11.1", "E05.5")
@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_box_that_stopped_in_mid_print_finds_its_job_again(room: PrintRoom, office: PaperPrinter, step: int) -> None:
    """Stopped at each step the ledger knows of; the next start prints what is missing and nothing else."""
    key = f"stop{step}"
    job = document_job(key, Ticket(3))
    ledger = MemoryLedger(job)
    ledger.states[key] = "sent"
    notes = []

    def note(trail: str) -> None:
        ledger.note(key, trail)
        notes.append(trail)
        if len(notes) == step:
            raise Unavailable("here the box stops")

    first = printer_at(room, "office")
    assert first.status().state == "ready"
    with pytest.raises(Unavailable):
        first.print_traced(job, lambda reason: None, note)
    queue = PrintQueue("office", printer_at(room, "office"), ledger, device(), lambda: 0.0)
    queue.start()
    assert ledger.wait(key, "confirmed"), ledger.told
    queue.close()
    assert came_out(office, key) == wanted(key, Ticket(3))


@pytest.mark.row("F11.1")
def test_a_server_that_forgot_the_job_and_used_its_number_again(office: PaperPrinter) -> None:
    """An unconfigured server loses what it took in the last half minute; another job gets the number."""
    with print_room(dirty_clean_s=30) as forgetful:
        printer = forgetful.add_printer("desk", side_s=0.03)
        forgetful.add_queue("office", printer)
        forgetful.stop_server()
        forgetful.start_server()
        desk = printer_at(forgetful, "office")
        assert desk.status().state == "ready"
        client = CupsClient(forgetful.server)
        # A printer that runs for less could have lost a job with its power.
        until(lambda: client.ask("printer", uri=printer.uri, name="")["up_s"] >= 3)
        made: list[int] = []

        def note(trail: str) -> None:
            jobs = client.ask("named", start="way-lost-")
            if '"number":0' not in trail and jobs and not made:
                made.append(jobs[0]["number"])
                forgetful.kill_server()
                forgetful.start_server()
                other = client.ask(
                    "make", b"%PDF-1.4", queue="office", name="somebody", options={}, format="text/plain"
                )
                made.append(other["number"])

        lost = Ticket(2)
        outcome = desk.print_traced(document_job("lost", lost), lambda reason: None, note)
        client.close()
        assert len(made) == 2 and made[0] == made[1], "the server was to use the number again"
        assert outcome == Outcome("confirmed")
        assert came_out(printer, "lost") == wanted("lost", lost)


@pytest.mark.row("F11.1")
@pytest.mark.parametrize("guard", ["once:/", ""])
def test_a_server_that_was_killed_does_not_print_its_job_again(
    room: PrintRoom, office: PaperPrinter, guard: str
) -> None:
    """It begins its unfinished jobs again: the guard refuses the second go, without one it is taken back in time."""
    queue = key = f"again{len(guard)}"
    room.add_queue(queue, office, guard=guard, wish="")
    printer = printer_at(room, queue)
    assert printer.status().state == "ready"
    office.slow(0.3)

    def kill() -> None:
        until(lambda: len(came_out(office, key)) == 1)
        room.kill_server()
        room.start_server()

    person = threading.Thread(target=kill)
    person.start()
    outcome = printer.print_traced(document_job(key, Ticket(4)), lambda reason: None, lambda trail: None)
    person.join()
    client = CupsClient(room.server)
    until(lambda: all(job["state"] == CANCELED for job in client.ask("named", start=f"way-{key}-")))
    assert len(client.ask("printer", uri=office.uri, name=f"way-{key}-1")["jobs"]) == 1
    client.close()
    assert outcome == Outcome("confirmed") and came_out(office, key) == wanted(key, Ticket(4))


@pytest.mark.row("F11.2")
def test_a_printer_says_what_it_lacks_before_anything_is_sent(room: PrintRoom, office: PaperPrinter) -> None:
    printer = printer_at(room, "office")
    assert printer.status() == PrinterStatus("ready")
    assert printer_at(room, "nowhere").status() == PrinterStatus("attention", "no-queue")
    office.power_off()
    assert printer.status() == PrinterStatus("attention", "gone")
    office.power_on()
    room.kill_server()
    assert printer.status() == PrinterStatus("attention", "server-gone")
    room.start_server()
    assert printer.status() == PrinterStatus("ready")


@pytest.mark.row("F11.2")
def test_a_queue_that_somebody_stopped_is_told_and_goes_on(room: PrintRoom, office: PaperPrinter) -> None:
    subprocess.run(["cupsdisable", "-h", room.server, "office"], check=True)
    printer = printer_at(room, "office")
    assert printer.status() == PrinterStatus("attention", "paused")
    seen: list[str] = []

    def told(reason: str) -> None:
        seen.append(reason)
        if reason == "paused":
            subprocess.run(["cupsenable", "-h", room.server, "office"], check=True)

    outcome = printer.print_traced(document_job("stopped", Ticket(1)), told, lambda trail: None)
    assert (outcome, seen) == (Outcome("confirmed"), ["paused", ""])


def test_what_is_no_document_fails_and_the_next_one_prints(room: PrintRoom, office: PaperPrinter) -> None:
    ledger = MemoryLedger(Job("bad", "office", b"no document"), document_job("good", Ticket(1)))
    queue = PrintQueue("office", printer_at(room, "office"), ledger, device(), lambda: 0.0)
    queue.start()
    assert ledger.wait("good", "confirmed")
    queue.close()
    assert ledger.states["bad"] == "failed"


def test_a_server_that_hangs_is_left_after_its_deadline(room: PrintRoom) -> None:
    client = CupsClient(room.server)
    client.ask("queue", queue="office")  # starts the child, which has its own time
    client._answer_s = 0.3
    room.freeze_server()
    try:
        with pytest.raises(Unavailable, match=r"printer\.late"):
            client.ask("queue", queue="office")
    finally:
        room.thaw_server()
    client.close()


def test_a_raw_queue_hands_over_and_says_no_more(room: PrintRoom, twin: EscposPrinterTwin, job: Job) -> None:
    room.add_raw_queue("belt", f"once:/socket://127.0.0.1:{twin.port}/?waiteof=false")
    printer = printer_at(room, "belt", raw=True)
    assert printer.status() == PrinterStatus("ready")
    assert printer.print_traced(job, lambda reason: None, lambda trail: None) == Outcome("confirmed", "handed-over")
    assert twin.wait_slips(1, PATIENCE_S) and titles(twin) == ["slip j1"]


def test_a_raw_queue_whose_printer_is_off_is_not_called_printing(room: PrintRoom) -> None:
    """CUPS tries again for ever and says nothing. The clock runs fifty times as fast."""
    room.add_raw_queue("off", f"once:/socket://127.0.0.1:{free_port()}/?waiteof=false")
    printer = printer_at(room, "off", raw=True, wall_ms=lambda: time.time_ns() // 20_000)
    told: list[str] = []

    def attention(reason: str) -> None:
        told.append(reason)
        if reason == "silent":
            printer.close()

    with pytest.raises(Unavailable, match=r"printer\.closed"):
        printer.print_traced(Job("j1", "off", b"slip"), attention, lambda trail: None)
    assert told[-1] == "silent"  # for a moment it may also be said that the server connects


def device(changed: Callable[[DeviceView], None] = lambda view: None):  # type: ignore[no-untyped-def]
    return Supervisor(time.monotonic, changed).add("printer", "office")
