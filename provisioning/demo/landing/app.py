"""The landing page as one Flask app of the kit, so that it has the same guards, languages and look as the nodes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from kiosk_ui.kit.app import make_app
from kiosk_ui.kit.events import EventHub
from kiosk_ui.kit.port import KitConfig, Principal
from kiosk_ui.kit.rights import assert_all_routes_named
from kiosk_ui.kit.screens.ledger import LedgerView
from kiosk_ui.kit.screens.line import LineFacts
from kiosk_ui.kit.screens.words import N_
from provisioning.demo.landing.views import make_views
from provisioning.demo.landing.watcher import DEVICES, MACHINES, Watcher
from provisioning.demo.stage import ZONE, Stage
from sync.adapters.clock import SystemClock

HERE = Path(__file__).parent
PO_FILE = HERE / "locale" / "en.po"
TEMPLATES = HERE / "templates"
SENTENCES = {
    "gun.absent": N_("没有机器接着这把枪，等它开起来再扫"),
    "pedal.absent": N_("没有机器接着这个踏板，等它开起来或者插回去再踩"),
    "code.length": N_("码要 1 到 200 个字"),
    "trigger.none": N_("没有这样的病案了，换一种试试"),
}


@dataclass(frozen=True, slots=True)
class _Port:
    """Nobody signs in here; the page has no strip of its own."""

    def principal(self, token: str) -> Principal | None:
        return None

    def line(self) -> LineFacts:
        return LineFacts(connected=True, last_ack_age_s=0.0)

    def ledger(self) -> LedgerView:
        return LedgerView(0, 0, 0)


def make_landing(stage: Stage, watcher: Watcher | None = None, events: EventHub | None = None) -> Flask:
    """The app of the demo's first page. Without a watcher of its own it makes one that looks when a page is asked."""
    clock = SystemClock()
    events = events or EventHub(clock=clock)
    app = make_app(
        KitConfig(
            name="landing",
            secret_key=secrets.token_bytes(32),
            allowed_hosts=frozenset({"127.0.0.1", "localhost"}),
            port=_Port(),
            clock=clock,
            template_dirs=(str(TEMPLATES),),
            po_files=(str(PO_FILE),),
            static_dirs={"landing": str(HERE / "static")},
            sentences=SENTENCES,
            topics={MACHINES: "", DEVICES: ""},
            events=events,
            zone=ZONE,
        )
    )
    app.register_blueprint(make_views(stage, watcher or Watcher(stage, events, clock), live=watcher is not None))
    assert_all_routes_named(app)
    return app
