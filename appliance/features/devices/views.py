"""What hangs on this box and how it is, in plain words; paper that waits or is in doubt; the box's own state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from appliance.features.devices.screens import job_data, list_words, papers_at, view_words
from appliance.features.devices.service import PRINTED, Devices
from appliance.store.print_jobs import PaperJob
from appliance.store.room import MIB, Away
from appliance.web.asking import asker, form_text, members
from kiosk_ui.kit.port import KitPort
from kiosk_ui.kit.rights import needs, open_to_all
from kiosk_ui.kit.screens.line import line_state
from sync.kernel.outcome import Refused

PRINTER = "printer"
"""The role of everything that prints."""

PrintAgain = Callable[[PaperJob, str, str], str | Refused]
"""(the doubtful job, who says so, `again` or `rest`) → the new, marked job."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the status page and the API say of this box besides its devices."""

    node: str
    role: str
    name: str
    carriers: tuple[str, ...]
    software: str
    away: Callable[[], list[Away]]
    free_bytes: Callable[[], int]


def make_views(devices: Devices, port: KitPort, told: Told, *, print_again: PrintAgain) -> Blueprint:
    views = Blueprint("devices", __name__)

    def decide(job_id: str, decision: str, actor: str) -> Refused | dict[str, Any]:
        job = devices.doubt(job_id, decision)
        if isinstance(job, Refused):
            return job
        again = None if decision == PRINTED else print_again(job, actor, decision)
        if isinstance(again, Refused):
            return again  # the doubt stays open: nothing was ordered in its place
        refused = devices.decide(job_id, decision, actor)
        return refused or ({"ok": True} if again is None else {"ok": True, "job": again})

    def status() -> dict[str, Any]:
        line, ledger, books = port.line(), port.ledger(), devices.books()
        return {
            "node": told.node,
            "role": told.role,
            "name": told.name,
            "software": told.software,
            "line": {"state": line_state(line), "outbox": line.outbox, "last_ack_age_s": line.last_ack_age_s},
            "ledger": {"produced": ledger.produced, "received": ledger.received, "waiting": ledger.waiting},
            "carriers": list(told.carriers),
            "feeds": [row._asdict() for row in books.feeds],
            "streams": [{**row._asdict(), "incarnation": f"{row.incarnation:016x}"} for row in books.streams],
            "refused": dict(books.tallies),
            "let_go": [{"name": one.name, "at_ms": one.at_ms, "entities": one.entities} for one in told.away()],
            "free_mib": told.free_bytes() // MIB,
        }

    @views.get("/paper")
    @needs("settings.read")
    def paper() -> str:
        printers = [view for view in devices.views() if view.role == PRINTER]
        rows = [view_words(view) for view in printers]
        return render_template("devices/paper.html", paper=devices.paper(), said=papers_at(printers), printers=rows)

    @views.post("/paper/trial")
    @needs("collect.handover", "label.print")
    def trial() -> Any:
        done = devices.print_trial(form_text("printer"), asker().user_id)
        return done if isinstance(done, Refused) else make_response(redirect("/paper", 303))

    @views.post("/paper/<job>/decide")
    @needs("collect.handover", "label.print")
    def decide_here(job: str) -> Any:
        done = decide(job, form_text("decision"), asker().user_id)
        return done if isinstance(done, Refused) else make_response(redirect("/paper", 303))

    @views.get("/status")
    @needs("settings.read")
    def status_page() -> str:
        return render_template("devices/status.html", told=told, books=devices.books(), list_words=list_words)

    @views.get("/api/v1/status")
    @needs("settings.read")
    def api_status() -> Any:
        return status()

    @views.get("/api/v1/paper")
    @needs("settings.read")
    def api_paper() -> Any:
        held = devices.paper()
        return {
            "waiting": held.waiting,
            "doubts": [job_data(job) for job in held.doubts],
            "recent": [job_data(job) for job in held.recent],
        }

    @views.get("/api/v1/paper/<job>")
    @needs("settings.read")
    def api_one(job: str) -> Any:
        found = devices.job(job)
        return Refused("paper.gone") if found is None else job_data(found)

    @views.post("/api/v1/paper/trial")
    @needs("collect.handover", "label.print")
    def api_trial() -> Any:
        done = devices.print_trial(members({"printer": str})["printer"], asker().user_id)
        return done if isinstance(done, Refused) else {"ok": True, "job": done}

    @views.post("/api/v1/paper/<job>/decide")
    @needs("collect.handover", "label.print")
    def api_decide(job: str) -> Any:
        return decide(job, members({"decision": str})["decision"], asker().user_id)

    @views.get("/healthz")
    @open_to_all("a watchdog asks whether this box answers; nothing about anybody is told")
    def healthz() -> Any:
        return {
            "ok": True,
            "node": told.node,
            "role": told.role,
            "line": line_state(port.line()),
            "carriers": list(told.carriers),
            "devices": [
                {"role": one.role, "name": one.name, "state": one.state, "reason": one.reason}
                for one in devices.views()
            ],
        }

    @views.get("/metrics")
    @open_to_all("numbers without persons, for this machine alone")
    def metrics() -> Response:
        if request.remote_addr not in ("127.0.0.1", "::1"):
            abort(404)
        return Response(_metrics(port, devices), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    return views


def _metrics(port: KitPort, devices: Devices) -> bytes:
    registry = CollectorRegistry()

    def gauge(name: str, says: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"waystation_{name}", says, labels, registry=registry)

    ledger = port.ledger()
    gauge("facts_produced", "Facts this box wrote").set(ledger.produced)
    gauge("facts_received", "Facts the hub has signed for").set(ledger.received)
    gauge("facts_waiting", "Facts that wait here").set(ledger.waiting)
    gauge("line_state", "The line's state; 1 on the one that holds", ("state",)).labels(line_state(port.line())).set(1)
    gauge("paper_waiting", "Papers that wait for a printer").set(devices.paper().waiting)
    refused = gauge("refused_total", "Refusals counted, by code", ("code",))
    for code, n in devices.books().tallies:
        refused.labels(code).set(n)
    ready = gauge("device_ready", "1 when a device is ready", ("device",))
    for view in devices.views():
        ready.labels(view.name).set(view.state in ("ready", "busy"))
    return generate_latest(registry)
