"""A node of nothing but pages: an invented courier, a line that the test sets, views that try every kind of ending."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from cheroot.wsgi import Server
from flask import Flask, render_template_string, request

from kiosk_ui.kit.app import make_app
from kiosk_ui.kit.body import parse_json, take
from kiosk_ui.kit.events import EventHub
from kiosk_ui.kit.gallery import make_gallery
from kiosk_ui.kit.port import Clock, KitConfig, Principal
from kiosk_ui.kit.rights import assert_all_routes_named, body_max, machine_door, needs, open_to_all
from kiosk_ui.kit.screens.ledger import LedgerView
from kiosk_ui.kit.screens.line import LineFacts
from sync.kernel.outcome import PeerFault, Refused, Unavailable

COURIER = Principal("u-luo", "罗建平", frozenset({"courier"}), frozenset({"collect.scan"}))
NURSE = Principal("u-song", "宋晓岚", frozenset({"nurse"}), frozenset({"handover.confirm"}), ward="W12", lang="en")


class StillClock:
    """20 November 2026, 10:31:06 in Shanghai, for ever."""

    def wall_ms(self) -> int:
        return 1_795_141_866_000

    def mono_s(self) -> float:
        return 0.0


@dataclass
class Port:
    facts: LineFacts = field(default_factory=lambda: LineFacts(connected=True, last_ack_age_s=2.0))
    books: LedgerView = field(default_factory=lambda: LedgerView(1284, 1284, 0))

    def principal(self, token: str) -> Principal | None:
        return {"t-courier": COURIER, "t-nurse": NURSE}.get(token)

    def line(self) -> LineFacts:
        return self.facts

    def ledger(self) -> LedgerView:
        return self.books


def add_endings(app: Flask) -> None:
    """One view for every way in which a request may end."""

    @app.get("/scan")
    @needs("collect.scan")
    def scan() -> str:
        return "scan"

    @app.post("/scan")
    @needs("collect.scan")
    def judge() -> str:
        return "judged"

    @app.post("/open")
    @open_to_all("a test")
    def open_post() -> str:
        return "done"

    @app.get("/unnamed")
    def unnamed() -> str:
        return "never"

    @app.post("/machine")
    @machine_door("a test certificate")
    @body_max(2 * 1024 * 1024)
    def machine() -> dict[str, int]:
        return {"bytes": len(request.get_data())}

    @app.get("/api/v1/<ending>")
    @open_to_all("a test")
    def end(ending: str) -> Any:
        match ending:
            case "refused":
                return Refused("handover.count-missing", {"ward": "W12"})
            case "conflict":
                return Refused("handover.done"), 409
            case "fault":
                raise PeerFault("code.control-character", "SECRET NAME")
            case "later":
                raise Unavailable("disk.full", retry_s=7)
            case _:
                raise RuntimeError("SECRET NAME 00731846")

    @app.post("/api/v1/json")
    @needs("collect.scan")
    def body() -> dict[str, Any]:
        return take(parse_json(request, 4096), {"code": str}, {"count": int})


@pytest.fixture
def clock() -> Clock:
    return StillClock()


@pytest.fixture
def port() -> Port:
    return Port()


@pytest.fixture
def events() -> Iterator[EventHub]:
    hub = EventHub(clock=StillClock(), heartbeat_s=0.2)
    yield hub
    hub.close()


@pytest.fixture
def config(port: Port, events: EventHub) -> KitConfig:
    return KitConfig(
        name="courier-1",
        secret_key=b"k" * 32,
        allowed_hosts=frozenset({"localhost", "127.0.0.1", "way.test"}),
        port=port,
        clock=StillClock(),
        skin="pad",
        events=events,
        topics={"scan": "collect.scan", "tick": ""},
        sentences={"handover.count-missing": "先写手点的份数，再请护士刷工牌"},
    )


@pytest.fixture
def app(config: KitConfig) -> Flask:
    app = make_app(config)
    add_endings(app)
    return app


JUDGED = """{% import "kit/macros.html" as k with context %}{{ k.scan_panel(verdict, code, "<b onclick=x>名") }}"""
WEDGE = """{% extends "kit/base.html" %}
{% block body_data %}data-wedge-url="/judge" data-wedge-target="#result"{% endblock %}
{% block main %}<h1>x</h1><div id="result"></div>{% endblock %}"""


def add_wedge(app: Flask) -> None:
    """A page whose scans are judged by a view that is slow at the first and knows one code as wrong."""

    @app.get("/wedge")
    @open_to_all("a test")
    def wedge() -> str:
        return render_template_string(WEDGE)

    @app.post("/judge")
    @open_to_all("a test")
    def judge() -> Any:
        scan = take(parse_json(request), {"code": str, "took_ms": int})
        if scan["code"].startswith("BAD"):
            return Refused("code.unreadable")
        verdict = "wrong_ward" if scan["code"].startswith("W") else "good"
        return render_template_string(JUDGED, verdict=verdict, code=scan["code"])


@pytest.fixture
def served(config: KitConfig) -> Iterator[str]:
    """The gallery behind the real HTTP server, on a port of the system's choice."""
    app = make_app(config)
    app.register_blueprint(make_gallery())
    add_wedge(app)
    assert_all_routes_named(app)
    server = Server(("127.0.0.1", 0), app, numthreads=12)
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.bind_addr[1]}"
    assert config.events is not None
    config.events.close()
    server.stop()
    thread.join(10)
