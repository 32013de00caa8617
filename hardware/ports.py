"""The words between devices and those who use them.

A gun says what it read, a printer how it is, a queue asks a ledger. What a scan means and what a job is for is
known elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

DeviceState = Literal["absent", "opening", "ready", "busy", "attention", "lost", "disabled"]
JobState = Literal["queued", "sent", "confirmed", "failed", "uncertain"]


@dataclass(frozen=True, slots=True)
class Scan:
    """One reading of a gun.

    `text` is without AIM prefix and terminator; `raw` is what arrived, without terminator. `symbology` is the AIM
    prefix (`]C0` plain Code 128) or None when the gun sends none. `terminated` is False when silence ended it.
    """

    text: str
    raw: bytes
    device: str
    symbology: str | None
    terminated: bool


@dataclass(frozen=True, slots=True)
class ScanTrouble:
    """A reading that is no scan. Nothing of it is kept: `code` is all there is (`scan.too-long`, …)."""

    device: str
    code: str


@dataclass(frozen=True, slots=True)
class DeviceView:
    """How a device is. `reason` is a word such as `paper-out`, empty when there is nothing to say."""

    role: str
    name: str
    state: DeviceState
    reason: str
    since_mono_s: float


@dataclass(frozen=True, slots=True)
class Identity:
    """Which thing on which socket: two guns of one model differ in `port`, whatever is plugged there next in the rest.

    `port` is udev's ID_PATH, which names the interface too; `serial` is empty where the maker gave none.
    """

    port: str
    vendor: str
    product: str
    serial: str = ""


@dataclass(frozen=True, slots=True)
class Plug:
    """A device node as udev tells of it. Interfaces of one thing share `usb`; it is the node's own path off USB.

    `line`: hid types, serial is a port, video gives pictures, usb is the thing itself as libusb sees it.
    """

    path: str
    line: Literal["hid", "serial", "video", "usb"]
    identity: Identity
    usb: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which node of which thing a device of the settings has to be. An empty `serial` or `port` is any."""

    line: str
    vendor: str
    product: str
    serial: str = ""
    port: str = ""

    def fits(self, plug: Plug) -> bool:
        return self.like(plug) and self.port in ("", plug.identity.port)

    def like(self, plug: Plug) -> bool:
        """The same thing, or its twin, wherever it hangs."""
        told = plug.identity
        model = (self.line, self.vendor, self.product) == (plug.line, told.vendor, told.product)
        return model and self.serial in ("", told.serial)


@dataclass(frozen=True, slots=True)
class Bitmap:
    """Dots from top left: 1 is black, most significant bit first, each row padded to whole bytes with 0."""

    width_dots: int
    height_dots: int
    rows: bytes

    @property
    def row_bytes(self) -> int:
        return (self.width_dots + 7) // 8


Draw = Callable[[str, int, int], Bitmap]
"""(text, width_dots, height_dots) -> a bitmap of exactly that size. Half cells are 2/5 of the height wide."""

GunListener = Callable[[Scan], None]
TroubleListener = Callable[[ScanTrouble], None]


class ByteStream(Protocol):
    """A line to a device. Every method raises `Unavailable` when the device is gone or the stream was closed."""

    def read(self, timeout_s: float | None) -> bytes:
        """What is there, at least one byte; `b""` when nothing came in time. None waits until `close`."""

    def write(self, data: bytes) -> None:
        """Everything, or `Unavailable`; then some of it may have left."""

    def close(self) -> None:
        """May be called twice and from another thread; a waiting `read` ends with `Unavailable`."""


@runtime_checkable
class Called(Protocol):
    """A line on which the device has to call first."""

    def await_caller(self) -> None:
        """Blocks until it has. Raises `Unavailable` when the line was closed."""


@dataclass(frozen=True, slots=True)
class PrinterStatus:
    """`unknown` is what a silent printer gets; it is never taken for ready.

    Reasons: paper-out, cover-open, head-open, ribbon-out, paused, jam, cutter, error, offline, gone, silent.
    """

    state: Literal["ready", "attention", "unknown"]
    reason: str = ""
    near_end: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one print ended.

    confirmed: the printer said that the paper came out. failed: nothing left this machine, or the printer cannot
    print it; saying it again harms nobody. unknown: bytes left and no proof came back.
    """

    kind: Literal["confirmed", "failed", "unknown"]
    reason: str = ""


@runtime_checkable
class Printer(Protocol):
    """A printer that can be asked and told. Both calls block; one thread uses it."""

    def status(self) -> PrinterStatus: ...

    def print_job(self, payload: bytes, attention: Callable[[str], None]) -> Outcome:
        """`attention(reason)` is called when it waits for a person in mid-job, `attention("")` when it goes on."""


@dataclass(frozen=True, slots=True)
class Job:
    """What one printer shall put on paper once. `payload` is in the printer's own language.

    `trail` is what a `TracedPrinter` noted of it last; empty before it was begun.
    """

    job_id: str
    printer: str
    payload: bytes
    trail: str = ""


class TracedPrinter(Protocol):
    """A printer whose work takes long and can be found again after a stop, by what it noted on the way."""

    def status(self) -> PrinterStatus: ...

    def print_traced(self, job: Job, attention: Callable[[str], None], note: Callable[[str], None]) -> Outcome:
        """Begin a job, or go on with one that has a trail. `note` is durable when it returns."""

    def close(self) -> None:
        """From another thread; a wait ends with `Unavailable`, and the job stays as it is noted."""


class Ledger(Protocol):
    """The rows that stand before paper is touched. Each call is durable when it returns.

    queued → sent → confirmed | failed | uncertain; sent → queued only when no byte left.
    """

    def take_next(self, printer: str) -> Job | None:
        """The oldest queued job of this printer, which stays queued; None when there is none."""

    def mark(self, job_id: str, state: JobState, reason: str) -> None: ...

    def note(self, job_id: str, trail: str) -> None:
        """What a `TracedPrinter` must know of a job after a stop, in place of what was noted before."""

    def sent(self, printer: str) -> list[Job]:
        """At start: the jobs of this printer that are `sent`, oldest first."""

    def doubt_sent(self, printer: str) -> int:
        """At start: every `sent` job of this printer becomes `uncertain` (reason `restart`). Answers how many."""


@dataclass(frozen=True, slots=True)
class ScanWish:
    """How pages are to be taken. `feeder-duplex` gives front and back of each sheet, in that order.

    `pages_max` 0: as many as there are.
    """

    source: Literal["flatbed", "feeder", "feeder-duplex"] = "feeder"
    colour: Literal["colour", "grey"] = "colour"
    dpi: int = 200
    pages_max: int = 0


@dataclass(frozen=True, slots=True)
class TakenPage:
    """One side of one sheet, whole. `n` counts from 1 within its run; `media_type` is that of `picture`."""

    n: int
    picture: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run of pages ended; the pages taken until then are good.

    done: nothing is left to take, or as many came as were wished. stopped: a person or the caller ended it. failed:
    `reason` is no-documents, page-lost (a sheet went through and no page came), jam, cover-open, busy, gone, denied,
    locked, memory, silent, warming-up or error.
    """

    kind: Literal["done", "stopped", "failed"]
    pages: int
    reason: str = ""


PageListener = Callable[[TakenPage], None]
Percent = Callable[[int], None]
"""How much of the page under way is here, 0 to 100; from those that can tell."""


class PageSource(Protocol):
    """A scanner, or what stands for one. Both calls block; one thread uses it."""

    @property
    def tells_trouble(self) -> bool:
        """Whether `status` knows of a jam or an open cover; else only a run that goes well shows that it is over."""

    def status(self) -> tuple[DeviceState, str]:
        """State and reason, without moving paper; unknown is `attention`, `silent`."""

    def take(self, wish: ScanWish, on_page: PageListener, stopped: Callable[[], bool], percent: Percent) -> RunEnd:
        """Pages in the order they came; `stopped` is asked several times a second."""
