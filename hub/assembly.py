"""The hub's one app: the kit's frame, every feature's pages and API, nothing left without a right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Flask, Response, request

from hub.features.audit import views as audit_views
from hub.features.audit.service import Audit
from hub.features.calendar import views as calendar_views
from hub.features.calendar.service import Calendars
from hub.features.fleet import api as fleet_api
from hub.features.fleet import views as fleet_views
from hub.features.fleet import words as fleet_words
from hub.features.fleet.service import Fleet
from hub.features.imports import api as imports_api
from hub.features.imports import views as imports_views
from hub.features.imports import words as imports_words
from hub.features.imports.service import Imports
from hub.features.leases import api as leases_api
from hub.features.leases import views as leases_views
from hub.features.leases import words as leases_words
from hub.features.leases.service import Leases
from hub.features.people import views as people_views
from hub.features.people.service import People
from hub.features.records import api as records_api
from hub.features.records import views as records_views
from hub.features.records.service import Records
from hub.features.sign_in import views as sign_in_views
from hub.features.sign_in.service import SignIn
from hub.features.statistics import views as statistics_views
from hub.features.statistics.service import Statistics
from hub.web import frame, live
from hub.web.health import health
from kiosk_ui.kit.app import make_app
from kiosk_ui.kit.events import EventHub
from kiosk_ui.kit.locale import lang
from kiosk_ui.kit.port import Clock, KitConfig, KitPort
from kiosk_ui.kit.rights import assert_all_routes_named, may, open_to_all

HERE = Path(__file__).parent
FEATURES = ("sign_in", "records", "imports", "fleet", "leases", "people", "calendar", "statistics", "audit")
PO_FILE = str(HERE / "locale" / "en.po")


@dataclass(frozen=True)
class Wiring:
    """What boot has made."""

    node: str
    title: str
    zone: str
    secret_key: bytes
    clock: Clock
    events: EventHub
    port: KitPort
    hosts: frozenset[str]
    frame_ancestors: tuple[str, ...]
    strip: Callable[[], frame.Strip]
    figures: Callable[[], dict[str, float]]
    sign_in: SignIn
    people: People
    records: Records
    imports: Imports
    calendars: Calendars
    statistics: Statistics
    audit: Audit
    fleet: Fleet
    leases: Leases


def template_dirs() -> tuple[str, ...]:
    """The hub's own first: its strip speaks of all machines."""
    return (str(HERE / "web" / "templates"), *(str(HERE / "features" / name / "templates") for name in FEATURES))


def make(wiring: Wiring) -> Flask:
    sentences = {
        **sign_in_views.SENTENCES,
        **records_views.SENTENCES,
        **records_api.SENTENCES,
        **imports_words.FILE,
        **fleet_words.REFUSED,
        **leases_words.REFUSED,
        **people_views.SENTENCES,
        **calendar_views.SENTENCES,
        **statistics_views.SENTENCES,
    }
    app = make_app(
        KitConfig(
            name="hub",
            secret_key=wiring.secret_key,
            allowed_hosts=wiring.hosts,
            port=wiring.port,
            clock=wiring.clock,
            template_dirs=template_dirs(),
            po_files=(PO_FILE,),
            zone=wiring.zone,
            static_dirs={"hub": str(HERE / "web" / "static")},
            sentences=sentences,
            topics=live.TOPICS,
            events=wiring.events,
            frame_ancestors=wiring.frame_ancestors,
        )
    )
    frame.install(app, wiring.strip, wiring.records.questions_count)
    names, nodes = wiring.people.names, wiring.fleet.names

    def wards() -> dict[str, str]:
        """Ward names in the reader's language, with their code."""
        at_en = lang() == "en"
        return {
            code: f"{(row.name_en or row.name_zh) if at_en else row.name_zh} {code}"
            for code, row in wiring.calendars.wards().items()
        }

    for blueprint in (
        health(wiring.node, wiring.figures),
        sign_in_views.make_views(wiring.sign_in),
        records_views.make_views(wiring.records, names, nodes, wards),
        records_api.make_api(wiring.records),
        imports_views.make_views(wiring.imports, names),
        imports_api.make_api(wiring.imports),
        fleet_views.make_views(wiring.fleet, wards, wiring.records.questions_count, wiring.leases.section),
        leases_views.make_views(wiring.leases),
        leases_api.make_api(wiring.leases),
        fleet_api.make_api(wiring.fleet),
        people_views.make_views(wiring.people, wards),
        calendar_views.make_views(wiring.calendars),
        statistics_views.make_views(wiring.statistics, names, wards),
        audit_views.make_views(wiring.audit, names, nodes),
        _events(wiring.events),
    ):
        app.register_blueprint(blueprint)
    assert_all_routes_named(app)
    return app


def _events(events: EventHub) -> Blueprint:
    api = Blueprint("events_api", __name__, url_prefix="/api/v1")

    @api.get("/events")
    @open_to_all("the stream itself asks for the right of each topic")
    def stream() -> Response:
        """Server-sent events of `topics` (stay, anomaly, ledger, node), numbered; `Last-Event-ID` replays."""
        asked = request.args.get("topics", "").split(",")[: len(live.TOPICS)]
        heard = {topic for topic in asked if topic in live.TOPICS and may(live.TOPICS[topic])}
        return events.stream(request.headers.get("Last-Event-ID"), heard | {"line"})

    return api
