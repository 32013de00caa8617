"""Every component in all its states, on one page: for tests, for documents, for whoever designs a screen.

Names, wards and records are invented.
"""

from __future__ import annotations

from flask import Blueprint, current_app, render_template, request
from markupsafe import Markup
from werkzeug.exceptions import NotFound

from kiosk_ui.kit import locale
from kiosk_ui.kit.rights import open_to_all
from kiosk_ui.kit.screens import line
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


SAMPLES = ("hand", "handover", "room", "hub")
ROWS = (
    ("00731511", "邱䶮", "W12", "held"),
    ("00731902", "苏宛如", "W12", "ack"),
    ("00728837", "贺兰亭", "W12", "ack"),
    ("00731846", "仇建国", "W12", "ack"),
    ("00730912", "汤沐阳", "W07", "person"),
    ("00731779", "欧阳静姝", "W12", "ack"),
    ("00730388", "Maximiliana-Konstantina Wojciechowska-Lee", "W12", "ack"),
)


def custody(state: str) -> Markup:
    """The words and glyph of a state, for cells that are built in code."""
    glyphs = current_app.jinja_env.get_template("kit/glyphs.html").module
    return Markup(glyphs.custody(state))  # type: ignore[attr-defined]  # a macro


def make_gallery() -> Blueprint:
    """The blueprint `gallery`; a node registers it only where its settings ask for it."""
    gallery = Blueprint("gallery", __name__)

    @gallery.get("/gallery")
    @open_to_all("patterns with invented data")
    def patterns() -> str:
        now = locale.now()
        lines = [(facts, line_view(facts), books) for facts, books in zip(LINES, LEDGERS, strict=False)]
        return render_template("kit/gallery.html", lines=lines, ledgers=LEDGERS, at=now)

    @gallery.get("/gallery/<page>")
    @open_to_all("patterns with invented data")
    def sample(page: str) -> str:
        """One page of each grid; `?verdict=` and `?line=` choose what the hand-held shows."""
        if page not in SAMPLES:
            raise NotFound
        chosen = request.args.get("line", "")
        facts = LINES[line.STATES.index(chosen)] if chosen in line.STATES else LINES[0]
        books = dict(zip(LINES, LEDGERS, strict=False))[facts]
        shown = {"line": line_view(facts), "line_facts": facts, "ledger": books}
        rows = [[locale.record_number(number), name, ward, custody(state)] for number, name, ward, state in ROWS]
        verdict = request.args.get("verdict", "good")
        return render_template(f"kit/gallery_{page}.html", at=locale.now(), rows=rows, verdict=verdict, **shown)

    return gallery
