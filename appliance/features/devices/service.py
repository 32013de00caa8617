"""Guns and printers of this box, each under its keeper; the ledger of paper decides what is printed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import BaseModel

from appliance.features.devices import store as books
from appliance.features.devices.keepers import Keepers, S
from appliance.features.devices.trial import LABEL, RECEIPT, TRIAL, trial_paper
from appliance.settings import Devices as DeviceSettings
from appliance.store.print_jobs import PaperJob, PrintJobs
from appliance.store.site import WardRow, ward
from hardware.codecs import document_trail
from hardware.codecs.document_ticket import decode
from hardware.codecs.document_trail import Trail, rest
from hardware.drivers.cups_client import CupsClient, PrintServer
from hardware.drivers.document_printer import DocumentPrinter
from hardware.drivers.glyphs import Glyphs
from hardware.drivers.gun_rack import GunRack
from hardware.drivers.label_printer import ZplTalk
from hardware.drivers.line_printer import LinePrinter
from hardware.drivers.opening import opener
from hardware.drivers.pairing import Pairing
from hardware.drivers.plugs import Plugs
from hardware.drivers.print_queue import PrintQueue
from hardware.drivers.printer_recorder import PrinterRecordings
from hardware.drivers.receipt_printer import EscposTalk
from hardware.drivers.recorder import Folder
from hardware.drivers.supervisor import Device, Supervisor
from hardware.drivers.tspl_printer import TsplTalk
from hardware.ports import DeviceView, Plug, Printer, Scan, ScanTrouble, TracedPrinter, Wanted
from hardware.transports.udev import UdevWatch
from sync.adapters.sqlite_log.node_store import NodeStore, Unit
from sync.domain.fleet.facts import noted
from sync.kernel.outcome import Refused, Unavailable
from sync.protocol.hello import HelloDevice

PRINTED, AGAIN, REST = "printed", "again", "rest"
RAW_QUEUE = "cups:"
PAIRING, PAIRING_S = "WAYPAIR-", 120.0
ALPHABET = "2346789ABCDEFGHJKMNPQRTUVWXY"
"""Nothing that may be misread."""
CODE_CHARS = 8
NAME_CHARS_MAX = 32
"""As much as a scan keeps of the name of its gun."""


@dataclass(frozen=True, slots=True)
class Paper:
    """The ledger of paper as a page shows it."""

    waiting: int
    doubts: tuple[PaperJob, ...]
    recent: tuple[PaperJob, ...]


@dataclass(frozen=True, slots=True)
class Books:
    """What a status page tells. `wards`: those whose lists are here, by the feed's label."""

    streams: tuple[books.StreamRow, ...]
    feeds: tuple[books.FeedRow, ...]
    wards: Mapping[str, WardRow]
    tallies: tuple[tuple[str, int], ...]


def addresses(told: BaseModel) -> Iterator[str]:
    """Every `url` in a section of the settings, whatever kind of device it belongs to."""
    for name, value in told:
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, BaseModel):
                yield from addresses(one)
            elif name == "url" and one:
                yield str(one)


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
        pairing_ended: Callable[[], object] = lambda: None,
    ) -> None:
        self._settings = settings
        self._pairing_ended = pairing_ended
        self._jobs = jobs
        self._store = store
        self._draw = draw
        self._supervisor = Supervisor(store.clock.mono_s, changed)
        self._queues: dict[str, PrintQueue] = {}
        self.plugs = Plugs()
        self._keepers = Keepers(self._supervisor, self.plugs, draw)
        self._watch = UdevWatch(self.plugs.plugged, self.plugs.unplugged)
        self.hears_plugs = False
        self.glyphs = Glyphs()
        self._recordings = Folder(Path(settings.recordings), draw, store.clock.mono_s) if settings.recordings else None
        self._printed = PrinterRecordings(settings.recordings, store.clock.mono_s)
        self.guns = GunRack(
            self._supervisor, self.plugs, on_scan=on_scan, on_trouble=on_trouble, mono_s=store.clock.mono_s,
            draw=draw, taken=lambda: (*addresses(settings), *self._keepers.nodes()),
            listened=(lambda name, line, open_it: open_it) if self._recordings is None else self._recordings.listen,
        )  # fmt: skip
        for gun in settings.guns:
            self.guns.add(gun.name, gun.url, gun.profile)
        if settings.receipt_printer.url:
            self._add_queue(RECEIPT, self._receipt_printer(), draw)
        if settings.label_printer.url:
            self._add_queue(LABEL, self._label_printer(draw), draw)
        for each in settings.document_printers:
            documents = self._served(each.name, each.queue, counts=each.counts_pages)
            self._add_queue(each.name, documents, draw)
        with store.read() as conn:
            bound, off = books.bindings(conn), books.switched_off(conn)
        for row in bound:
            self.guns.bind(row.name, row.line, row.identity)
        for name in off:
            self._switch(name, False)

    def _served(self, name: str, queue: str, *, counts: bool = False, raw: bool = False) -> TracedPrinter:
        """A printer behind the print server; `raw`: one for slips or labels, which gets its own language."""
        wall_ms = self._store.clock.wall_ms

        def make(server: PrintServer) -> DocumentPrinter:
            return DocumentPrinter(server, queue, counts=counts, raw=raw, wall_ms=wall_ms)

        client = CupsClient(self._settings.print_server)
        return self._printed.server(name, client, make, counts=counts, raw=raw, wall_ms=wall_ms())

    def _receipt_printer(self) -> Printer | TracedPrinter:
        told = self._settings.receipt_printer
        if told.url.startswith(RAW_QUEUE):
            return self._served(RECEIPT, told.url.removeprefix(RAW_QUEUE), raw=True)
        return LinePrinter(self._printed.line(RECEIPT, "escpos", opener(told.url, told.baud)), EscposTalk)

    def _label_printer(self, draw: Callable[[], float]) -> Printer | TracedPrinter:
        told = self._settings.label_printer
        if told.url.startswith(RAW_QUEUE):
            return self._served(LABEL, told.url.removeprefix(RAW_QUEUE), raw=True)
        line = self._printed.line(LABEL, told.line, opener(told.url, told.baud))
        return LinePrinter(line, ZplTalk if told.line == "zpl" else partial(TsplTalk, draw=draw))

    def _add_queue(self, name: str, printer: Printer | TracedPrinter, draw: Callable[[], float]) -> None:
        queue = PrintQueue(name, printer, self._jobs, self._supervisor.add("printer", name), draw)
        self._jobs.on_queued(name, queue.wake)
        self._queues[name] = queue

    @property
    def has_label_printer(self) -> bool:
        return bool(self._settings.label_printer.url)

    def keep(self, role: str, name: str, make: Callable[[Device], S], url: str, wanted: Wanted | None = None) -> S:
        """Another device of this box, kept open at `url`, or wherever the `wanted` thing hangs, from `start` on."""
        session = self._keepers.keep(role, name, make, url, wanted)
        with self._store.read() as conn:
            if name in books.switched_off(conn):
                self._switch(name, False)
        return session

    def start(self) -> None:
        """Where no udev can be asked, what is plugged in is found when its turn to be tried comes."""
        with contextlib.suppress(Unavailable):
            self._watch.start()
            self.hears_plugs = True
        for queue in self._queues.values():
            queue.start()
        self.guns.start()
        self._keepers.start()

    def close(self) -> None:
        self._watch.close()
        self.guns.close()
        if self._recordings is not None:
            self._recordings.close()
        self._keepers.close()
        for queue in self._queues.values():
            queue.close()
        self._printed.close()

    def switch(self, name: str, on: bool, actor: str) -> Refused | None:
        """Off: closed and left alone until somebody switches it on, also after a restart. Refused `device.unknown`."""
        if not self._switch(name, on):
            return Refused("device.unknown")
        with self._store.write(actor=actor) as unit:
            books.switch(unit.conn, name, on, self._store.clock.wall_ms())
            unit.append(noted(self._store.node, "device.on" if on else "device.off", detail=name))
        return None

    def tried(self, name: str, actor: str) -> None:
        """A line of the audit list: somebody looked at what this device gives."""
        with self._store.write(actor=actor) as unit:
            unit.append(noted(self._store.node, "device.tried", detail=name))

    def _switch(self, name: str, on: bool) -> bool:
        queue = self._queues.get(name)
        if queue is None:
            return self._keepers.switch(name, on) or self.guns.switch(name, on)
        queue.switch(on)
        return True

    def pair(self, name: str, actor: str) -> Refused | Pairing:
        """Show a code that gives the gun which scans it the role `name`; a name of its own where none is given.

        Refused `device.placed` for a gun whose place the settings name, `device.name`, `device.no-udev`.
        """
        name = name.strip() or self._free_name()
        if not self.hears_plugs:
            return Refused("device.no-udev")
        taken = name in self._queues or name in self._keepers
        if taken or not 1 <= len(name) <= NAME_CHARS_MAX or not name.isprintable():
            return Refused("device.name")
        if any(gun.name == name and gun.url for gun in self._settings.guns):
            return Refused("device.placed")
        code = PAIRING + "".join(ALPHABET[byte % len(ALPHABET)] for byte in self._store.entropy.bytes(CODE_CHARS))
        return self.guns.pair(name, code, PAIRING_S, partial(self._paired, name, actor), self._pairing_ended)

    def _free_name(self) -> str:
        taken = self.guns.names()
        return next(name for n in range(1, 100) if (name := f"gun-{n}") not in taken)

    def _paired(self, name: str, actor: str, plug: Plug) -> None:
        row = books.BindingRow(name, plug.line, plug.identity)
        with self._store.write(actor=actor) as unit:
            books.bind(unit.conn, row, self._store.clock.wall_ms())
            model = f"{plug.identity.vendor}:{plug.identity.product}"
            unit.append(noted(self._store.node, "device.paired", detail=f"{name} {model}"))
        for other in self.guns.names():
            held = self.guns.identity(other)
            if other != name and held is not None and held.port == plug.identity.port:
                self.guns.unbind(other)
        self.guns.bind(name, plug.line, plug.identity)

    def unpair(self, name: str, actor: str) -> Refused | None:
        """Let a paired gun go; its socket may be another's. Refused `device.unknown`."""
        if self.guns.identity(name) is None:
            return Refused("device.unknown")
        with self._store.write(actor=actor) as unit:
            books.unbind(unit.conn, name, self._store.clock.wall_ms())
            unit.append(noted(self._store.node, "device.unpaired", detail=name))
        self.guns.unbind(name)
        return None

    def views(self) -> tuple[DeviceView, ...]:
        return self._supervisor.views()

    def paired(self, name: str) -> bool:
        """Whether this gun has its socket from a pairing."""
        return self.guns.identity(name) is not None

    def told(self) -> tuple[HelloDevice, ...]:
        """What this box says of its devices when it greets its hub."""
        return tuple(HelloDevice(v.role[:40], v.name[:60], v.state, v.reason[:40]) for v in self.views())

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
            feeds = tuple(books.feeds(conn))
            wards = {each.label: ward(conn, each.label[5:]) for each in feeds if each.label.startswith("ward:")}
            return Books(tuple(books.streams(conn)), feeds, wards, tuple(books.tallies(conn)))

    def doubt(self, job_id: str, decision: str) -> Refused | PaperJob:
        """The paper a person may decide about so. Refused `paper.gone`, `paper.no-doubt`, `paper.decision`."""
        job = self._jobs.job(job_id)
        if job is None:
            return Refused("paper.gone")
        if job.state != "uncertain":
            return Refused("paper.no-doubt")
        allowed = (PRINTED, AGAIN, REST) if job.sides else (PRINTED, AGAIN)
        return job if decision in allowed else Refused("paper.decision")

    def order_document(self, unit: Unit, printer: str, payload: bytes, *, what: str, ref: str, copy_no: int = 0) -> str:
        """A document for one of this box's document printers; PeerFault `paper.ticket` when it is none."""
        assert any(each.name == printer for each in self._settings.document_printers), printer
        sides = decode(payload)[0].sides_in_all
        return self._jobs.order_document(
            unit, printer=printer, what=what, ref=ref, copy_no=copy_no, payload=payload, sides=sides
        )

    def document_again(self, job: PaperJob, actor: str, decision: str) -> str | Refused:
        """The same document once more, whole or from the first page that is not surely out."""
        payload = self._jobs.payload(job.job_id)
        if payload is None:
            return Refused("paper.gone")
        trail = rest(decode(payload)[0], document_trail.decode(job.trail)) if decision == REST else Trail()
        with self._store.write(actor=actor) as unit:
            return self._jobs.order_document(
                unit, printer=job.printer, what=job.what, ref=job.ref, copy_no=job.copy_no + 1, payload=payload,
                sides=job.sides, trail=document_trail.encode(trail),
            )  # fmt: skip

    def print_trial(self, printer: str, actor: str) -> str | Refused:
        """Order a test page, slip or label; its end is in the ledger. Refused `paper.no-printer`."""
        made = trial_paper(printer, self._settings, self.glyphs, self._store.clock.wall_ms())
        if made is None:
            return Refused("paper.no-printer")
        with self._store.write(actor=actor) as unit:
            if any(each.name == printer for each in self._settings.document_printers):
                return self.order_document(unit, printer, made, what=TRIAL, ref=TRIAL)
            return self._jobs.order(unit, printer=printer, what=TRIAL, ref=TRIAL, copy_no=0, payload=made)

    def job(self, job_id: str) -> PaperJob | None:
        return self._jobs.job(job_id)

    def decide(self, job_id: str, decision: str, actor: str) -> Refused | None:
        """A person says once whether a doubtful paper came out; refused as `doubt` is.

        For `again` and `rest` a new, marked copy was ordered before: a power cut in between asks once more and loses
        nothing.
        """
        job = self.doubt(job_id, decision)
        if isinstance(job, Refused):
            return job
        self._jobs.mark(job_id, "confirmed" if decision == PRINTED else "failed", f"person:{decision}")
        with self._store.write(actor=actor) as unit:
            unit.append(noted(self._store.node, "paper.decided", detail=decision))
        return None
