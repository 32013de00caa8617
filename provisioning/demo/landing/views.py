"""The page, its live parts, the switches and triggers. Everything works without script; with it parts are swapped."""

from __future__ import annotations

from datetime import datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.exceptions import BadRequest, NotFound

from hardware.drivers.glyphs import Glyphs
from kiosk_ui.kit import locale
from kiosk_ui.kit.rights import open_to_all
from provisioning.demo import town
from provisioning.demo.landing import names, pictures, triggers
from provisioning.demo.landing.day_line import stops
from provisioning.demo.landing.personas import Persona, nurses, personas
from provisioning.demo.landing.watcher import Watcher, sent
from provisioning.demo.relay import Mode
from provisioning.demo.stage import ZONE, Stage, Station
from sync.kernel.outcome import Refused

OPEN = "everybody and everything here is invented, and the page is served on this computer alone"
SHOWN = 7
CODE_CHARS_MAX = 200
ALL_OFF, ALL_ON = "refused", "up"
PAPER = {"out": "paper_out", "load": "load_paper"}
COVERED = {**PAPER, "open": "cover_open", "close": "cover_close"}
FED = {**PAPER, "jam": "jam", "clear": "clear_jam"}
ACTS = {"slip": COVERED, "label": COVERED, "sheet": FED}
"""What hands can do to each kind of printer, and the twin's name of it."""
BREAKS = {"out": "paper", "open": "cover", "jam": "jam"}
MENDS = {"load": "paper", "close": "cover", "clear": "jam"}


def make_views(stage: Stage, watcher: Watcher, *, live: bool) -> Blueprint:
    """`live`: the watcher looks by itself; otherwise each page looks first."""
    views = Blueprint("landing", __name__)
    glyphs = Glyphs()
    patients = town.discharges(stage.seed, datetime.now(ZoneInfo(ZONE)).date())
    trouble: dict[tuple[str, str], set[str]] = {}

    def station(name: str) -> Station:
        for each in stage.stations:
            if each.name == name:
                return each
        raise NotFound

    def seat(name: str) -> Persona:
        for each in personas(stage):
            if each.id == name:
                return each
        raise NotFound

    def shown() -> dict[str, Any]:
        if not live:
            watcher.look()
        return {
            "stations": stage.stations,
            "readings": watcher.readings,
            "modes": [(mode, locale.gettext(words)) for mode, words in names.MODES.items()],
            "states": names.STATES,
            "box": lambda name: locale.gettext(names.box(name)),
            "happened": watcher.happenings.latest(SHOWN),
            "trouble": trouble,
            "sent": sent,
            "wards": {code: (zh, en) for code, zh, en in town.WARDS},
            "kinds": lambda role: triggers.ROOM_KINDS if role == "records" else triggers.COURIER_KINDS,
        }

    def done(part: str, anchor: str) -> Response:
        """The swapped part for a page with script, the page again for one without."""
        if request.headers.get("HX-Request"):
            watcher.look()
            return make_response(render_template(f"landing/{part}.html", **shown()))
        return make_response(redirect(f"/#{anchor}", 303))

    def pull(at: Station, code: str) -> Refused | None:
        try:
            at.gun.scan(code)
        except (ConnectionError, OSError):
            return Refused("gun.absent")
        return None

    @views.get("/")
    @open_to_all(OPEN)
    def page() -> str:
        return render_template(
            "landing/page.html", seed=stage.seed, seats=personas(stage), nurses=nurses(), stops=stops(locale.now()),
            zone=ZONE, at=locale.now(), **shown(),
        )  # fmt: skip

    @views.get("/part/<part>")
    @open_to_all(OPEN)
    def swapped(part: str) -> str:
        if part not in ("machines", "happened", "papers"):
            raise NotFound
        return render_template(f"landing/{part}.html", **shown())

    @views.post("/lines")
    @open_to_all(OPEN)
    def switch_all() -> Any:
        for each in stage.stations:
            stage.relay.set_mode(each.name, _mode((ALL_OFF, ALL_ON)))
        return done("machines", "lines")

    @views.post("/lines/<name>")
    @open_to_all(OPEN)
    def switch(name: str) -> Any:
        stage.relay.set_mode(station(name).name, _mode(get_args(Mode)))
        return done("machines", "lines")

    @views.post("/guns/<name>")
    @open_to_all(OPEN)
    def trigger(name: str) -> Any:
        at = station(name)
        code = request.form.get("code", "").strip()
        if not code and (kind := request.form.get("kind", "")):
            read = [each for other in stage.stations if other.role == "courier" for each in sent(other)]
            found = triggers.Pile(patients, sent(at), read).next_code(kind, request.form.get("ward", ""))
            if isinstance(found, Refused):
                return found
            code = found
        if not 0 < len(code) <= CODE_CHARS_MAX:
            return Refused("code.length")
        return pull(at, code) or done("papers", f"device-{name}")

    @views.post("/badges/<seat_id>")
    @open_to_all(OPEN)
    def badge(seat_id: str) -> Any:
        person = seat(seat_id).person
        at = station(request.form.get("at", "") or seat(seat_id).station)
        if person is None:
            user = request.form.get("user", "")
            person = next((each for each in town.people() if each.user == user and each.role == "nurse"), None)
        if person is None:
            raise NotFound
        return pull(at, person.badge) or done("papers", f"seat-{seat_id}")

    @views.post("/printers/<name>/<which>")
    @open_to_all(OPEN)
    def printer(name: str, which: str) -> Any:
        at, act = station(name), request.form.get("act", "")
        office = at.office.printer if at.office else None
        twin = {"slip": at.printer, "label": at.label_printer, "sheet": office}.get(which)
        if twin is None or act not in ACTS[which]:
            raise NotFound
        getattr(twin, ACTS[which][act])()
        marks = trouble.setdefault((name, which), set())
        (marks.add if act in BREAKS else marks.discard)(BREAKS.get(act) or MENDS[act])
        return done("papers", f"device-{name}")

    @views.post("/pedals/<name>")
    @open_to_all(OPEN)
    def pedal(name: str) -> Any:
        desk, act = station(name).desk, request.form.get("act", "")
        if desk is None or act not in ("press", "unplug", "plug"):
            raise NotFound
        pulled = trouble.setdefault((name, "pedal"), set())
        if act == "press":
            try:
                desk.pedal.press()
            except OSError:
                return Refused("pedal.absent")
        elif act == "unplug":
            desk.pedal.unplug()
            pulled.add("plug")
        elif pulled:
            desk.pedal.plug()
            pulled.clear()
        return done("papers", f"device-{name}")

    @views.get("/slips/<name>/<int:n>.png")
    @open_to_all(OPEN)
    def slip(name: str, n: int) -> Response:
        at = station(name)
        entry = _entry(at.printer.slips if at.printer else [], n)
        return _png((at.directory / "slips" / str(entry["png"])).read_bytes())

    @views.get("/labels/<name>/<int:n>.png")
    @open_to_all(OPEN)
    def label(name: str, n: int) -> Response:
        at = station(name)
        entry = _entry(at.label_printer.labels if at.label_printer else [], n)
        return _png(pictures.label((at.directory / "labels" / str(entry["zpl"])).read_text("utf-8"), glyphs))

    @views.get("/codes/<seat_id>.svg")
    @open_to_all(OPEN)
    def address_code(seat_id: str) -> Response:
        return Response(pictures.address_code(seat(seat_id).address), mimetype="image/svg+xml")

    @views.get("/healthz")
    @open_to_all("says that the page is there, nothing else")
    def healthz() -> dict[str, str]:
        return {"status": "ok", "role": "landing"}

    return views


def _mode(allowed: tuple[str, ...]) -> Any:
    mode = request.form.get("mode", "")
    if mode not in allowed:
        raise BadRequest
    return mode


def _entry(journal: list[dict[str, Any]], n: int) -> dict[str, Any]:
    for entry in journal:
        if entry["n"] == n:
            return entry
    raise NotFound


def _png(data: bytes) -> Response:
    return Response(data, mimetype="image/png", headers={"Cache-Control": "private, max-age=86400"})
