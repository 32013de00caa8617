"""The screen of one box: the kit's app, and the views of the features that this kind of box has."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from flask import Blueprint, Flask

from appliance.features.carrying.service import Carrying
from appliance.features.carrying.views import make_views as make_carrying
from appliance.features.collecting.due import DueLists
from appliance.features.collecting.service import Collecting
from appliance.features.collecting.views import make_views as make_collecting
from appliance.features.devices.desks import Desks
from appliance.features.devices.screens import away_words, pressed_words, printer_words
from appliance.features.devices.service import Devices
from appliance.features.devices.trial import LABEL, RECEIPT, TRIAL
from appliance.features.devices.trials import Trials
from appliance.features.devices.views import Told
from appliance.features.devices.views import make_views as make_devices
from appliance.features.devices.views_hands import make_hands
from appliance.features.devices.views_trials import make_trial_views
from appliance.features.identity.service import Identity
from appliance.features.identity.views import make_views as make_identity
from appliance.features.people.service import People
from appliance.features.people.views import make_views as make_people
from appliance.features.rebuilding.service import Rebuilding
from appliance.features.rebuilding.views import make_views as make_rebuilding
from appliance.features.receiving.service import Receiving
from appliance.features.receiving.views import make_views as make_receiving
from appliance.settings import Settings
from appliance.store.print_jobs import PaperJob, PrintJobs
from appliance.store.room import away, free_bytes
from appliance.web.openapi import make_openapi
from appliance.web.sentences import SENTENCES
from kiosk_ui.kit.app import make_app
from kiosk_ui.kit.events import EventHub
from kiosk_ui.kit.port import Clock, KitConfig, KitPort
from kiosk_ui.kit.problems import sentence
from kiosk_ui.kit.rights import assert_all_routes_named
from kiosk_ui.kit.screens.line import LineWords
from kiosk_ui.kit.screens.words import N_, Message
from provisioning.trust.node_keys import NodeKeys
from sync.adapters.sqlite_log import repair
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.kernel.outcome import Refused

WEB = Path(__file__).parent / "web"
PO_FILE = Path(__file__).parent / "locale" / "en.po"
COURIER_LINE = LineWords(N_("扫描、交接、打印"), N_("送达"))
RECORDS_LINE = LineWords(N_("点收、贴标签、对账"), N_("送达"))
TOPICS = {
    "scan": "collect.scan",
    "handover": "collect.handover",
    "reception": "receive.scan",
    "rebuild": "round.rebuild",
    "device": "settings.read",
    "gun": "settings.read",
    "carry": "settings.read",
    "paper": "settings.read",
    "identity": "identity.read",
    "badge": "",
    "ledger": "",
}
"""Topic of the event stream to the right that may hear it; `badge` reaches the sign-in page, where nobody is known."""


class BoxParts(Protocol):
    """What boot has joined and the pages need."""

    @property
    def settings(self) -> Settings: ...
    @property
    def keys(self) -> NodeKeys: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def store(self) -> ApplianceStore: ...
    @property
    def jobs(self) -> PrintJobs: ...
    @property
    def events(self) -> EventHub: ...
    @property
    def port(self) -> KitPort: ...
    @property
    def people(self) -> People: ...
    @property
    def collecting(self) -> Collecting: ...
    @property
    def receiving(self) -> Receiving: ...
    @property
    def rebuilding(self) -> Rebuilding: ...
    @property
    def devices(self) -> Devices: ...
    @property
    def desks(self) -> Desks: ...
    @property
    def trials(self) -> Trials: ...
    @property
    def identity(self) -> Identity: ...
    @property
    def carrying(self) -> Carrying: ...
    @property
    def software(self) -> str: ...

    def take(self, text: str, device: str) -> None:
        """A code that reached the box through a page's keyboard wedge goes where a gun's code goes."""

    def stands_here(self, user_id: str | None) -> None:
        """Who signed in last, for codes that belong to no round."""


def make_pages(box: BoxParts) -> Flask:
    """The Flask app of this box; every route names its right when this returns."""
    app = make_app(_config(box))
    courier = box.settings.node.role == "courier"
    app.jinja_env.globals.update(
        quiet=bool(box.settings.devices.tone),
        printer=lambda: printer_words(box.devices.views(), RECEIPT if courier else LABEL),
        sentence_of=lambda code: sentence(code, {}),
        mended=lambda: repair.last_repair(box.store),
        away=lambda: away_words(away(box.store)),
    )
    app.register_blueprint(_people(box, courier))
    if courier:
        lists = DueLists(box.store, box.settings.node.time_zone)
        for views in make_collecting(box.collecting, lists, names=box.people.names, papers=_papers(box), take=box.take):
            app.register_blueprint(views)
    else:
        for views in make_receiving(box.receiving, names=box.people.names, papers=_papers(box), take=box.take):
            app.register_blueprint(views)
    app.register_blueprint(make_rebuilding(box.rebuilding))
    app.register_blueprint(make_carrying(box.carrying, box.port))
    app.register_blueprint(_devices(box))
    app.register_blueprint(
        make_hands(box.devices, box.trials, box.clock.mono_s, lambda name: _last(box, name), box.desks.cameras)
    )
    app.register_blueprint(make_trial_views(box.devices, box.desks, box.trials))
    app.register_blueprint(make_identity(box.identity))
    app.add_url_rule("/api/v1/events", "api_events", app.view_functions["kit.events"])
    app.register_blueprint(make_openapi(box.software))
    assert_all_routes_named(app)
    return app


def _config(box: BoxParts) -> KitConfig:
    settings = box.settings
    courier = settings.node.role == "courier"
    return KitConfig(
        name=settings.node.name,
        secret_key=hashlib.sha256(b"way/1 screen" + box.keys.store).digest(),
        allowed_hosts=frozenset({"127.0.0.1", "localhost", settings.web.host}),
        port=box.port,
        clock=box.clock,
        template_dirs=(str(WEB / "templates"),),
        po_files=(str(PO_FILE),),
        static_dirs={"box": str(WEB / "static")},
        skin="pad" if courier else "work",
        zone=settings.node.time_zone,
        line_words=COURIER_LINE if courier else RECORDS_LINE,
        sentences=SENTENCES,
        topics=TOPICS,
        events=box.events,
        frame_ancestors=settings.web.frame_ancestors,
    )


def _people(box: BoxParts, courier: bool) -> Blueprint:
    def home(rights: frozenset[str]) -> str:
        if courier and "collect.scan" in rights:
            return "/collect"
        if not courier and "receive.scan" in rights:
            return "/receive"
        return "/status" if "settings.read" in rights else ""

    def signed_in(user_id: str) -> None:
        hand = box.collecting.scanner.hand
        if hand is not None and hand.courier != user_id:
            box.collecting.put_down()
        box.stands_here(user_id)

    def signed_out(user_id: str) -> None:
        box.collecting.put_down(user_id)
        box.stands_here(None)

    return make_people(box.people, home=home, signed_in=signed_in, signed_out=signed_out)


def _papers(box: BoxParts) -> Callable[[str], list[PaperJob]]:
    def papers(ref: str) -> list[PaperJob]:
        """The papers of one round or record, newest first."""
        return [job for job in box.jobs.listing(limit=200) if job.ref == ref]

    return papers


def _last(box: BoxParts, name: str) -> Message | None:
    """What a device that is no gun said last."""
    presses = box.desks.pedals.presses(name)
    return box.identity.last(name) if presses is None else pressed_words(presses, box.clock.mono_s())


def _devices(box: BoxParts) -> Blueprint:
    node = box.settings.node
    told = Told(
        node.node, node.role, node.name, tuple(box.settings.sync.carriers), box.software,
        partial(away, box.store), partial(free_bytes, box.store.path.parent),
    )  # fmt: skip

    def print_again(job: PaperJob, actor: str, decision: str) -> str | Refused:
        if job.sides:
            return box.devices.document_again(job, actor, decision)
        if job.what == TRIAL:
            return box.devices.print_trial(job.printer, actor)
        if job.what == "receipt":
            return box.collecting.reprint(job.ref, actor)
        return box.receiving.print_label(job.ref, actor)

    return make_devices(box.devices, box.port, told, print_again=print_again)
