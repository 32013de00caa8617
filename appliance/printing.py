"""From what a round or a record is to bytes of this box's printers: the words are the domain's, the bytes a codec's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from appliance.features.collecting.store import RoundRow, TakenRow
from appliance.features.devices.trial import LABEL, RECEIPT
from appliance.settings import Settings
from appliance.store.print_jobs import PrintJobs
from appliance.store.site import ward
from hardware.codecs import tspl, zpl
from hardware.codecs.escpos_out import encode_slip
from hardware.drivers.glyphs import Glyphs
from sync.adapters.sqlite_log.node_store import Unit, count
from sync.domain.tracking import papers, receipt_code
from sync.domain.tracking.facts import ROUND
from sync.domain.tracking.receipt_code import ReceiptScan, RoundHead
from sync.kernel.outcome import PeerFault
from sync.kernel.paper import Code2d, Line, Slip, lacking

Sign = Callable[[bytes], bytes]


class Papers:
    """Orders receipts and labels in the unit that makes them due."""

    def __init__(
        self,
        settings: Settings,
        jobs: PrintJobs,
        glyphs: Glyphs,
        names: Callable[[], dict[str, str]],
        *,
        key_id: bytes,
        sign: Sign,
    ) -> None:
        self._settings = settings
        self._jobs = jobs
        self._glyphs = glyphs
        self._names = names
        self._key_id = key_id
        self._sign = sign
        self._zone = ZoneInfo(settings.node.time_zone)

    def order_receipt(self, unit: Unit, row: RoundRow, went: list[TakenRow], copy_no: int) -> str:
        """A round's receipt with the codes that can rebuild it."""
        state = unit.state(ROUND, row.key)
        assert state is not None
        names = self._names()
        by_key = {taken.key: taken for taken in went}
        scans = [ReceiptScan(taken.fact, taken.key, taken.at_ms) for taken in went]
        told = papers.ReceiptFacts(
            hospital=self._settings.node.hospital or self._settings.node.site,
            ward=f"{ward(unit.conn, row.ward).name_zh} {row.ward}",
            courier=names.get(row.courier, row.courier),
            nurse=names.get(state.nurse or "", state.nurse or ""),
            handed_over_at=self._local(state.handed_over_at_ms or row.opened_at_ms),
            list_as_of=self._local(row.list_as_of_ms) if row.list_as_of_ms else None,
            expected=state.expected or 0,
            scanned=state.scanned or 0,
            by_hand=state.by_hand or 0,
            differences=[papers.PaperDifference(key, self._name(unit, key), code) for key, code in state.differences],
            records=[papers.PaperRecord(key, taken.name or "", taken.how) for key, taken in by_key.items()],
            codes=receipt_code.encode(
                RoundHead(row.key, row.ward, row.courier), scans, key_id=self._key_id, sign=self._sign
            ),
        )
        payload = self._receipt_bytes(papers.receipt_slip(told, copy_no=copy_no))
        return self._jobs.order(unit, printer=RECEIPT, what="receipt", ref=row.key, copy_no=copy_no, payload=payload)

    def order_label(self, unit: Unit, stay_key: str, name: str, discharged_on: str | None, copy_no: int) -> str | None:
        """A record's cover label; None where this box has no label printer."""
        if not self._settings.devices.label_printer.url:
            return None
        row_ms = unit.high >> 16
        copy_no = max(copy_no, self._jobs.copies(unit, "label", stay_key))
        prefix = next(iter(self._settings.codes.prefixes), "")
        label = papers.cover_label(stay_key, name, discharged_on, prefix=prefix, copy_no=copy_no)
        label = replace(label, lines=(*label.lines, *lacking(self._glyphs.missing("".join(label.lines)))))
        encode = {"zpl": zpl, "tspl": tspl}[self._settings.devices.label_printer.line].encode_label
        try:
            payload = encode(label, self._settings.devices.label_printer.dpi, self._glyphs.draw)
        except PeerFault as fault:
            # A number that no label can carry must not keep the record from being received.
            count(unit.conn, fault.code, row_ms)
            return None
        return self._jobs.order(unit, printer=LABEL, what="label", ref=stay_key, copy_no=copy_no, payload=payload)

    def _receipt_bytes(self, slip: Slip) -> bytes:
        """The printer's bytes; characters no font has are boxed, and the slip says which. Codes that do not fit go."""
        named = map(Line, lacking(self._glyphs.missing_in(slip)))
        slip = Slip((*slip.blocks[:-1], *named, *slip.blocks[-1:]))
        width = self._settings.devices.receipt_printer.width_dots
        try:
            return encode_slip(slip, width, draw=self._glyphs.draw)
        except PeerFault:
            bare = tuple(block for block in slip.blocks if not isinstance(block, Code2d))
            return encode_slip(Slip(bare), width, draw=self._glyphs.draw)

    def _name(self, unit: Unit, key: str) -> str:
        row = unit.conn.execute("SELECT name FROM custody_due WHERE key = ?", (key,)).fetchone()
        return "" if row is None else str(row[0])

    def _local(self, at_ms: int) -> datetime:
        return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(self._zone)
