"""A scanner under its keeper: what stands against it and what passes, one run at a time, off and on."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from hardware.drivers.page_desk import PageDesk
from hardware.drivers.supervisor import Keeper, Supervisor
from hardware.ports import DeviceState, DeviceView, PageListener, Percent, RunEnd, ScanWish, TakenPage
from sync.kernel.outcome import Unavailable

PATIENCE_S = 30.0
WISH = ScanWish()


class Scanner:
    """A page source that does what it is told to; `tells_trouble` as a SANE backend (False) or eSCL (True)."""

    def __init__(self, tells_trouble: bool) -> None:
        self.tells_trouble = tells_trouble
        self.state: tuple[DeviceState, str] = ("ready", "")
        self.end = RunEnd("done", 1)
        self.go = threading.Semaphore(0)

    def status(self) -> tuple[DeviceState, str]:
        return self.state

    def take(self, wish: ScanWish, on_page: PageListener, stopped: Callable[[], bool], percent: Percent) -> RunEnd:
        while not self.go.acquire(timeout=0.01):
            if stopped():
                return RunEnd("stopped", 0)
        if self.end.pages:
            on_page(TakenPage(1, b"page", "image/png"))
        return self.end


class Desk:
    def __init__(self, scanner: Scanner) -> None:
        self.changed = threading.Condition()
        self.seen: list[tuple[str, str]] = []
        self.ends: list[RunEnd] = []
        self.scanner = scanner
        device = Supervisor(time.monotonic, self.see).add("scanner", "desk")
        self.desk = PageDesk(scanner, device, key=b"k", look_s=0.05)
        self.keeper = Keeper(device, self.desk, lambda: 0.0)
        self.keeper.start()
        self.wait("ready")

    def see(self, view: DeviceView) -> None:
        with self.changed:
            self.seen.append((view.state, view.reason))
            self.changed.notify_all()

    def wait(self, state: str, reason: str = "") -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.seen[-1:] == [(state, reason)], PATIENCE_S), self.seen[-5:]

    def ask(self) -> None:
        self.desk.ask(WISH, lambda page: None, self.ended)

    def ended(self, end: RunEnd) -> None:
        with self.changed:
            self.ends.append(end)
            self.changed.notify_all()

    def wait_end(self, count: int) -> RunEnd:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.ends) == count, PATIENCE_S)
            return self.ends[-1]

    def run(self, end: RunEnd) -> None:
        before = len(self.ends)
        self.scanner.end = end
        self.ask()
        self.scanner.go.release()
        assert self.wait_end(before + 1) == end


@pytest.fixture
def open_desk() -> Iterator[Callable[[bool], Desk]]:
    made: list[Desk] = []

    def make(tells_trouble: bool) -> Desk:
        made.append(Desk(Scanner(tells_trouble)))
        return made[-1]

    yield make
    for each in made:
        each.keeper.close()


@pytest.mark.row("E01.3")
@pytest.mark.parametrize("reason", ["jam", "cover-open", "silent", "error", "memory", "denied", "locked"])
def test_what_a_run_alone_tells_stands_until_one_goes_well(open_desk: Callable[[bool], Desk], reason: str) -> None:
    desk = open_desk(False)
    desk.run(RunEnd("failed", 0, reason))
    desk.wait("attention", reason)
    desk.run(RunEnd("failed", 0, "no-documents"))
    desk.wait("attention", reason)
    desk.run(RunEnd("done", 1))
    desk.wait("ready")


@pytest.mark.parametrize("reason", ["no-documents", "busy", "warming-up", "page-lost"])
def test_what_passes_is_no_fault_of_the_scanner(open_desk: Callable[[bool], Desk], reason: str) -> None:
    desk = open_desk(False)
    desk.run(RunEnd("failed", 0, reason))
    desk.wait("ready")


def test_a_scanner_that_tells_its_trouble_is_believed(open_desk: Callable[[bool], Desk]) -> None:
    desk = open_desk(True)
    desk.run(RunEnd("failed", 0, "jam"))
    desk.wait("ready")
    desk.scanner.state = ("attention", "cover-open")
    desk.wait("attention", "cover-open")


def test_one_run_at_a_time_and_a_run_that_is_dropped_is_stopped(open_desk: Callable[[bool], Desk]) -> None:
    desk = open_desk(False)
    desk.ask()
    with pytest.raises(Unavailable, match=r"device\.busy"):
        desk.ask()
    desk.wait("busy")
    desk.keeper.switch(False)
    assert desk.wait_end(1).kind == "stopped"
    desk.wait("disabled")
    with pytest.raises(Unavailable, match=r"device\.gone"):
        desk.ask()
    desk.keeper.switch(True)
    desk.wait("ready")
    desk.run(RunEnd("done", 1))


def test_a_scanner_that_goes_is_lost_and_comes_back(open_desk: Callable[[bool], Desk]) -> None:
    desk = open_desk(False)
    desk.scanner.state = ("absent", "gone")
    desk.wait("lost", "device.gone")
    desk.scanner.state = ("ready", "")
    desk.wait("ready")
