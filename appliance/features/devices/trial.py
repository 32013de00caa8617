"""Trial papers: a page, a slip or a label that says which printer it is for and when it was asked for."""

from __future__ import annotations

from datetime import UTC, datetime

from appliance.settings import Devices as DeviceSettings
from hardware.codecs import document_ticket, tspl, zpl
from hardware.codecs.document_ticket import Ticket
from hardware.codecs.escpos_out import encode_slip
from hardware.drivers.glyphs import Glyphs
from images.sheet import encode_sheet
from sync.kernel.paper import Feed, Label, Line, Slip

RECEIPT, LABEL = "receipt-printer", "label-printer"
TRIAL = "trial"
TITLE_ZH, TITLE = "驿站打印测试", "Waystation test print"
FOOT_ZH, FOOT = "看得清这行字，就是打好了。", "If this can be read, the printer prints."
LABEL_MM = (60, 40)


def trial_paper(printer: str, settings: DeviceSettings, glyphs: Glyphs, at_ms: int) -> bytes | None:
    """In the printer's own language, a document with its ticket; None where this box has no such printer."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    words = Slip((Line(TITLE_ZH, bold=True), Line(TITLE), Line(printer), Line(at), Line(FOOT_ZH), Line(FOOT), Feed(2)))
    if printer == RECEIPT and settings.receipt_printer.url:
        return encode_slip(words, settings.receipt_printer.width_dots, draw=glyphs.draw)
    if printer == LABEL and settings.label_printer.url:
        label = Label(*LABEL_MM, (TITLE_ZH, TITLE, at), "TEST")
        encode_label = {"zpl": zpl, "tspl": tspl}[settings.label_printer.line].encode_label
        return encode_label(label, settings.label_printer.dpi, glyphs.draw)
    if any(each.name == printer for each in settings.document_printers):
        return document_ticket.encode(Ticket(1), encode_sheet(words, title=TITLE, missing=glyphs.missing))
    return None
