"""The board, one record's page, and the questions that wait for a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound

from hub.features.records import words
from hub.features.records.service import STATES, Record, Records
from hub.features.records.store import PAGE_ROWS, Wanted
from kiosk_ui.kit.rights import current_principal, needs
from kiosk_ui.kit.screens.words import N_
from sync.kernel.outcome import Refused

SENTENCES = {
    "record.gone": N_("没有这一份"),
    "seal.reason": N_("封存或解封要写理由"),
    "text.too-long": N_("写得太长，最多 %(limit)s 字，没有收下"),
    "anomaly.gone": N_("这件事已经没有了，可能后来的消息自己说清了"),
    "anomaly.settled": N_("这件事已经有人定了"),
    "anomaly.outcome": N_("这件事不能这样定"),
}


def actor() -> str:
    principal = current_principal()
    assert principal is not None, "the right was checked"
    return principal.user_id


def make_views(service: Records, names: Callable[[], Mapping[str, str]], nodes: Callable[[], Mapping[str, str]],
               wards: Callable[[], Mapping[str, str]]) -> Blueprint:  # fmt: skip
    """`names`, `nodes`, `wards`: what people, machines and wards are called (wards in the reader's language)."""
    pages = Blueprint("records", __name__, template_folder="templates")

    @pages.app_context_processor
    def said() -> dict[str, Any]:
        return {"record_words": words}

    def told(record: Record, full_name: str | None = None) -> str:
        return render_template(
            "records/record.html", record=record, full_name=full_name, names=names(), nodes=nodes(), wards=wards()
        )

    def listed(wanted: Wanted) -> str:
        rows, total = service.find(wanted)
        return render_template(
            "records/list.html",
            rows=rows,
            total=total,
            wanted=wanted,
            pages=max(1, -(-total // PAGE_ROWS)),
            board=service.board(),
            states=STATES,
            wards=wards(),
            names=names(),
        )

    @pages.get("/records")
    @needs("record.search")
    def index() -> str:
        return listed(wanted_of(request.args))

    @pages.post("/records")
    @needs("record.search")
    def search() -> str:
        """By a form, so that what was typed stands in no address."""
        wanted = wanted_of(request.form)
        return listed(replace(wanted, text=request.form.get("q", "")[:80]))

    @pages.get("/records/board")
    @needs("record.search")
    def board() -> str:
        return render_template("records/board.html", board=service.board(), wards=wards())

    @pages.get("/records/<opaque>")
    @needs("record.search")
    def record(opaque: str) -> str:
        found = service.record(opaque)
        if found is None:
            raise NotFound
        return told(found)

    @pages.post("/records/<opaque>/name")
    @needs("record.name")
    def name(opaque: str) -> str | Refused:
        full = service.name_of(opaque, actor())
        found = service.record(opaque)
        if isinstance(full, Refused) or found is None:
            raise NotFound
        return told(found, full)

    @pages.post("/records/<opaque>/seal")
    @needs("record.seal")
    def seal(opaque: str) -> Response | Refused:
        on = request.form.get("on") == "1"
        no = service.seal(opaque, on, request.form.get("reason", ""), actor())
        return no or _there(url_for("records.record", opaque=opaque))

    @pages.get("/questions")
    @needs("anomaly.settle")
    def questions() -> str:
        return asked("")

    @pages.get("/questions/<name>")
    @needs("anomaly.settle")
    def question(name: str) -> str:
        return asked(name)

    def asked(name: str) -> str:
        settled = request.args.get("settled") == "1"
        waiting = service.questions(still_open=not settled)
        chosen = service.question(name) if name else None
        if name and chosen is None:
            raise NotFound
        if chosen is None and waiting:
            chosen = service.question(waiting[0].id)
        outcomes = service.outcomes(chosen[0], chosen[2]) if chosen else ()
        return render_template(
            "records/questions.html",
            waiting=waiting,
            settled=settled,
            chosen=chosen,
            outcomes=outcomes,
            names=names(),
            nodes=nodes(),
            wards=wards(),
        )

    @pages.post("/questions/<name>")
    @needs("anomaly.settle")
    def settle(name: str) -> Response | Refused:
        no = service.settle(name, request.form.get("outcome", ""), request.form.get("note", ""), actor())
        return no or _there(url_for("records.questions"))

    return pages


def wanted_of(args: Mapping[str, str]) -> Wanted:
    """Filters of an address; what is not known counts as not given."""
    state, ward, page = args.get("state", ""), args.get("ward", ""), args.get("page", "1")
    return Wanted(
        state=state if state in STATES else "",
        ward=ward[:20],
        questions=args.get("questions") == "1",
        late=args.get("late") == "1",
        page=min(int(page), 100_000) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
    )


def _there(address: str) -> Response:
    answer = redirect(address, 303)
    assert isinstance(answer, Response)
    return answer
