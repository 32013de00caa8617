"""Guns and printers of this box, each under its keeper; the ledger of paper decides what is printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.features.devices import store as books
from appliance.settings import Devices as DeviceSettings
from appliance.store.print_jobs import PaperJob, PrintJobs
from hardware.drivers.glyphs import Glyphs
from hardware.drivers.gun import hid_gun, serial_gun
from hardware.drivers.label_printer import ZplPrinter
from hardware.drivers.print_queue import PrintQueue
from hardware.drivers.receipt_printer import EscposPrinter
from hardware.drivers.supervisor import Keeper, Supervisor
from hardware.ports import ByteStream, DeviceView, Scan, ScanTrouble
from hardware.transports.evdev_input import InputStream
from hardware.transports.serial_url import SerialStream
from hardware.transports.tcp import TcpStream
from sync.adapters.sqlite_log.node_store import NodeStore
from sync.domain.fleet.facts import noted
from sync.kernel.outcome import Refused

RECEIPT, LABEL = "receipt-printer", "label-printer"
PRINTED, AGAIN = "printed", "again"


@dataclass(frozen=True, slots=True)
class Paper:
    """The ledger of paper as a page shows it."""

    waiting: int
    doubts: tuple[PaperJob, ...]
    recent: tuple[PaperJob, ...]


@dataclass(frozen=True, slots=True)
class Books:
    """What a status page tells."""

    streams: tuple[books.StreamRow, ...]
    feeds: tuple[books.FeedRow, ...]
    tallies: tuple[tuple[str, int], ...]


class Devices:
    """Opened by `start`, shut by `close`; `views` never touches a device."""

    def __init__(
        self,
        settings: DeviceSettings,
        jobs: PrintJobs,
        *,
        store: NodeStore,
        on_scan: Callable[[Scan], None],
        on_trouble: Callable[[ScanTrouble], None],
        changed: Callable[[DeviceView], None],
        draw: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._jobs = jobs
        self._store = store
        self._supervisor = Supervisor(store.clock.mono_s, changed)
        self._keepers: list[Keeper] = []
        self._queues: list[PrintQueue] = []
        self.glyphs = Glyphs()
        for gun in settings.guns:
            device = self._supervisor.add("gun", gun.name)
            make = hid_gun if gun.url.startswith("hid:") else serial_gun
            self._keepers.append(Keeper(device, make(gun.name, opener(gun.url), on_scan, on_trouble), draw))
        if settings.receipt_printer.url:
            printer = EscposPrinter(opener(settings.receipt_printer.url), settings.receipt_printer.width_dots)
            self._add_queue(RECEIPT, printer, draw)
        if settings.label_printer.url:
            self._add_queue(LABEL, ZplPrinter(opener(settings.label_printer.url), settings.label_printer.dpi), draw)

    def _add_queue(self, name: str, printer: EscposPrinter | ZplPrinter, draw: Callable[[], float]) -> None:
        queue = PrintQueue(name, printer, self._jobs, self._supervisor.add("printer", name), draw)
        self._jobs.on_queued(name, queue.wake)
        self._queues.append(queue)

    @property
    def has_label_printer(self) -> bool:
        return bool(self._settings.label_printer.url)

    def start(self) -> None:
        for queue in self._queues:
            queue.start()
        for keeper in self._keepers:
            keeper.start()

    def close(self) -> None:
        for keeper in self._keepers:
            keeper.close()
        for queue in self._queues:
            queue.close()

    def views(self) -> tuple[DeviceView, ...]:
        return self._supervisor.views()

    def paper(self) -> Paper:
        jobs = self._jobs.listing(limit=100)
        return Paper(
            sum(1 for job in jobs if job.state in ("queued", "sent")),
            tuple(job for job in jobs if job.state == "uncertain"),
            tuple(jobs[:20]),
        )

    def books(self) -> Books:
        """This box's own streams, the lists it carries, what it refused."""
        with self._store.read() as conn:
            return Books(tuple(books.streams(conn)), tuple(books.feeds(conn)), tuple(books.tallies(conn)))

    def doubt(self, job_id: str, decision: str) -> Refused | PaperJob:
        """The paper a person may decide about so. Refused `paper.gone`, `paper.no-doubt`, `paper.decision`."""
        job = self._jobs.job(job_id)
        if job is None:
            return Refused("paper.gone")
        if job.state != "uncertain":
            return Refused("paper.no-doubt")
        return job if decision in (PRINTED, AGAIN) else Refused("paper.decision")

    def decide(self, job_id: str, decision: str, actor: str) -> Refused | None:
        """A person says once whether a doubtful paper came out; refused as `doubt` is.

        For `again` a new, marked copy was ordered before: a power cut in between asks once more and loses nothing.
        """
        job = self.doubt(job_id, decision)
        if isinstance(job, Refused):
            return job
        self._jobs.mark(job_id, "confirmed" if decision == PRINTED else "failed", f"person:{decision}")
        with self._store.write(actor=actor) as unit:
            unit.append(noted(self._store.node, "paper.decided", detail=decision))
        return None


def opener(url: str) -> Callable[[], ByteStream]:
    """`socket://host:port` (a device on the network), `hid:/dev/input/eventN`, else a serial device."""
    if url.startswith("hid:"):
        return lambda: InputStream(url.removeprefix("hid:"))
    if url.startswith("socket://"):
        host, _, port = url.removeprefix("socket://").rstrip("/").rpartition(":")
        return lambda: TcpStream(host, int(port))
    return lambda: SerialStream(url)
