"""Wherever a machine stops, a job printed once, or not at all, or a person is asked."""

from collections.abc import Callable, Iterator

import pytest

from hardware.drivers.glyphs import Glyphs
from hardware.drivers.print_queue import PrintQueue
from hardware.drivers.supervisor import Device, Supervisor
from hardware.ports import DeviceView, Job, JobState
from hardware.twins.escpos_printer import EscposPrinterTwin
from tests.adapters.hardware.paper_room import MemoryLedger, PowerCut, printer_of, slip_of, titles


class Desk:
    """A queue at a printer, and the screen that shows how it is."""

    def __init__(
        self,
        twin: EscposPrinterTwin,
        ledger: MemoryLedger,
        on_seen: Callable[[tuple[str, str]], None] = lambda state: None,
    ) -> None:
        self.seen: list[tuple[str, str]] = []

        def changed(view: DeviceView) -> None:
            self.seen.append((view.state, view.reason))
            on_seen(self.seen[-1])

        self.device: Device = Supervisor(lambda: 0.0, changed).add("printer", "belt")
        self.queue = PrintQueue("belt", printer_of(twin, answer_s=0.3), ledger, self.device, lambda: 0.0)


@pytest.fixture
def started() -> Iterator[list[PrintQueue]]:
    queues: list[PrintQueue] = []
    yield queues
    for queue in queues:
        queue.close()


def run(desk: Desk, started: list[PrintQueue]) -> None:
    started.append(desk.queue)
    desk.queue.start()


@pytest.mark.row("F10.12")
def test_jobs_come_out_in_order_each_once(twin: EscposPrinterTwin, glyphs: Glyphs, started: list[PrintQueue]) -> None:
    ledger = MemoryLedger(*(Job(f"j{n}", "belt", slip_of(f"slip {n}", glyphs)) for n in range(3)))
    run(Desk(twin, ledger), started)
    assert ledger.wait("j2", "confirmed")
    assert titles(twin) == ["slip 0", "slip 1", "slip 2"]
    assert [state for _, state, _ in ledger.told] == ["sent", "confirmed"] * 3


@pytest.mark.row("F10.12")
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("cut_at", [1, 2])
def test_a_stop_at_any_mark_is_a_doubt_or_nothing(
    twin: EscposPrinterTwin, job: Job, cut_at: int, before: bool, started: list[PrintQueue]
) -> None:
    ledger = MemoryLedger(job)
    ledger.cut_at, ledger.before = cut_at, before
    with pytest.raises(PowerCut):
        Desk(twin, ledger).queue.step()
    printed = len(titles(twin))
    ledger.cut_at = 0
    ends: dict[tuple[int, bool], JobState] = {
        (1, True): "confirmed",
        (1, False): "uncertain",
        (2, True): "uncertain",
        (2, False): "confirmed",
    }
    end = ends[cut_at, before]
    desk = Desk(twin, ledger)
    run(desk, started)
    assert ledger.wait("j1", end)
    desk.queue.close()
    assert titles(twin) == ["slip j1"] * max(printed, end == "confirmed")


@pytest.mark.row("F10.12")
def test_paper_out_then_resumed_prints_exactly_once(
    twin: EscposPrinterTwin, job: Job, started: list[PrintQueue]
) -> None:
    ledger = MemoryLedger(job)
    twin.paper_out(after_dots=90)
    desk = Desk(twin, ledger, on_seen=lambda state: twin.load_paper() if state == ("attention", "paper-out") else None)
    run(desk, started)
    assert ledger.wait("j1", "confirmed")
    desk.queue.close()
    assert ("attention", "paper-out") in desk.seen
    assert titles(twin) == ["slip j1"] and len(twin.slips) == 1


@pytest.mark.row("F10.24")
def test_a_printer_that_is_switched_off_keeps_its_jobs(
    twin: EscposPrinterTwin, job: Job, started: list[PrintQueue]
) -> None:
    ledger = MemoryLedger(job)
    desk = Desk(twin, ledger)
    desk.queue.switch(False)
    assert not desk.queue.step()
    assert ledger.states == {"j1": "queued"} and desk.device.view.state == "disabled" and titles(twin) == []
    run(desk, started)
    desk.queue.switch(True)
    assert ledger.wait("j1", "confirmed")
    assert titles(twin) == ["slip j1"]


@pytest.mark.row("F10.12")
@pytest.mark.parametrize("trouble", ["paper_out", "cover_open", "power_off"])
def test_a_printer_that_cannot_leaves_the_job_queued(twin: EscposPrinterTwin, job: Job, trouble: str) -> None:
    ledger = MemoryLedger(job)
    getattr(twin, trouble)()
    desk = Desk(twin, ledger)
    assert not desk.queue.step()
    assert ledger.states == {"j1": "queued"}
    assert desk.device.view.state in ("attention", "absent")
    assert (
        desk.device.view.reason == {"paper_out": "paper-out", "cover_open": "cover-open", "power_off": "gone"}[trouble]
    )
    for mend in {"paper_out": ["load_paper"], "cover_open": ["cover_close"], "power_off": ["power_on"]}[trouble]:
        getattr(twin, mend)()
    assert desk.queue.step()
    assert ledger.states == {"j1": "confirmed"} and titles(twin) == ["slip j1"]


@pytest.mark.row("F10.12")
def test_a_doubt_is_never_printed_again_by_itself(twin: EscposPrinterTwin, job: Job) -> None:
    ledger = MemoryLedger(job)
    ledger.states["j1"] = "sent"
    desk = Desk(twin, ledger)
    assert ledger.doubt_sent("belt") == 1
    assert not desk.queue.step()
    assert ledger.told == [("j1", "uncertain", "restart")] and twin.slips == []
