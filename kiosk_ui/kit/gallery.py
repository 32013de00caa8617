"""Every component in all its states, on one page: for tests, for documents, for whoever designs a screen.

Names, wards and records are invented.
"""

from __future__ import annotations

from flask import Blueprint, render_template

from kiosk_ui.kit import locale
from kiosk_ui.kit.rights import open_to_all
from kiosk_ui.kit.screens.ledger import LedgerView
from kiosk_ui.kit.screens.line import LineFacts, line_view

LINES = (
    LineFacts(connected=True, last_ack_age_s=2.0),
    LineFacts(connected=True, last_ack_age_s=6.0, ack_delay_s=4.0, slow_streak=2, outbox=6),
    LineFacts(connected=True, last_ack_age_s=125.0, silent_s=120.0, outbox=18),
    LineFacts(connected=False, last_ack_age_s=10_740.0, cut_s=300.0, outbox=57),
    LineFacts(connected=True, last_ack_age_s=1.0, outbox=16, delivered=41, drain_rate=6.0),
)
LEDGERS = (
    LedgerView(1284, 1284, 0),
    LedgerView(1290, 1284, 6),
    LedgerView(1302, 1284, 18),
    LedgerView(1341, 1284, 57),
    LedgerView(1341, 1325, 16),
    LedgerView(1341, 1283, 57, "1/0877"),
)


def make_gallery() -> Blueprint:
    """The blueprint `gallery`; a node registers it only where its settings ask for it."""
    gallery = Blueprint("gallery", __name__)

    @gallery.get("/gallery")
    @open_to_all("patterns with invented data")
    def patterns() -> str:
        now = locale.now()
        lines = [(facts, line_view(facts), books) for facts, books in zip(LINES, LEDGERS, strict=False)]
        return render_template("kit/gallery.html", lines=lines, ledgers=LEDGERS, at=now)

    return gallery
