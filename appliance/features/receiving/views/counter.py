"""The counter: batches at the left, scan and table in the middle, what does not fit at the right, all by key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request

from appliance.features.receiving.desk import Desk, desk_of, outcomes
from appliance.features.receiving.screens import ANOMALY_WORDS, OUTCOME_WORDS, sides
from appliance.features.receiving.service import Received, Receiving
from appliance.store.print_jobs import PaperJob
from appliance.web.asking import asker, form_text, members
from kiosk_ui.kit import locale
from kiosk_ui.kit.problems import sentence
from kiosk_ui.kit.rights import needs
from sync.kernel.outcome import Refused

DOING = ("hand", "label", "close", "")


def make_counter(
    receiving: Receiving,
    names: Callable[[], dict[str, str]],
    papers: Callable[[str], list[PaperJob]],
    take: Callable[[str, str], None],
) -> Blueprint:
    views = Blueprint("counter", __name__)

    @views.context_processor
    def said() -> dict[str, Any]:
        return {
            "anomaly_words": ANOMALY_WORDS,
            "outcome_words": OUTCOME_WORDS,
            "anomaly_sides": lambda one: sides(one, locale.moment(one.taken_at_ms), locale.moment(one.received_at_ms)),
        }

    def desk() -> Desk:
        now = locale.now()
        start = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return desk_of(receiving, names(), int(start.timestamp() * 1000), int(now.timestamp() * 1000))

    def scene(doing: str = "", error: str = "", typed: str = "") -> dict[str, Any]:
        one = desk()
        last = one.last
        refusal = sentence(last.refused.code, last.refused.fields) if last is not None and last.refused else ""
        return {
            "desk": one,
            "doing": doing,
            "error": error,
            "typed": typed,
            "refusal": refusal,
            "papers": papers,
            "outcomes": outcomes,
            "names": names(),
        }

    @views.get("/receive")
    @needs("receive.scan")
    def page() -> str:
        asked = request.args.get("do", "")
        return render_template("receiving/page.html", **scene(asked if asked in DOING else ""))

    @views.get("/receive/live")
    @needs("receive.scan")
    def live() -> str:
        return render_template("receiving/live.html", **scene())

    @views.post("/receive/open")
    @needs("receive.scan")
    def open_handin() -> Any:
        keys = request.form.getlist("round")[:100]
        key = receiving.open(form_text("courier", 40), keys, asker().user_id)
        return key if isinstance(key, Refused) else _to("/receive")

    @views.post("/receive/at")
    @needs("receive.scan")
    def go_on() -> Any:
        return receiving.go_on(form_text("handin", 40), asker().user_id) or _to("/receive")

    @views.post("/receive/wedge")
    @needs("receive.scan")
    def wedge() -> str:
        """A code that came through the keyboard; the event stream brings the verdict, as for any gun."""
        take(members({"code": str}, {"took_ms": int})["code"], "keyboard")
        return ""

    @views.post("/receive/hand")
    @needs("receive.scan")
    def by_hand() -> Any:
        typed = form_text("number", 64)
        received = receiving.enter("".join(typed.split()))
        return _answer(received, "hand", typed)

    @views.post("/receive/choose")
    @needs("receive.scan")
    def choose() -> Any:
        received = receiving.choose(form_text("code", 64), form_text("stay", 64))
        return received if isinstance(received, Refused) else _answer(received, "", "")

    @views.post("/receive/undo")
    @needs("receive.scan")
    def undo() -> Any:
        undone = receiving.undo_last(asker().user_id)
        return undone if isinstance(undone, Refused) else _to("/receive")

    @views.post("/receive/label")
    @needs("label.print")
    def label() -> Any:
        typed = form_text("number", 64)
        found = receiving.stays_numbered("".join(typed.split()))
        if not isinstance(found, Refused) and len(found) != 1:
            found = Refused("label.which" if found else "label.unknown")
        done = found if isinstance(found, Refused) else receiving.print_label(found[0], asker().user_id)
        if isinstance(done, Refused):
            error = sentence(done.code, done.fields)
            return render_template("receiving/page.html", **scene("label", error, typed)), 422
        return _to("/paper")

    @views.post("/receive/close")
    @needs("receive.close")
    def close() -> Any:
        """At once where everything is there; with records missing only after their number was read and said yes to."""
        at = receiving.at
        if at is None:
            return Refused("handin.none-open")
        if desk().missing and request.form.get("sure") != "yes":
            return _to("/receive?do=close")
        closed = receiving.close(at[0], asker().user_id)
        return closed if isinstance(closed, Refused) else _to("/receive")

    @views.post("/receive/settle")
    @needs("anomaly.settle")
    def settle() -> Any:
        refused = receiving.settle(
            form_text("stay", 64), form_text("id", 64), form_text("outcome", 40), None, asker().user_id
        )
        return refused or _to("/receive")

    def _answer(received: Received, doing: str, typed: str) -> Any:
        if received.refused is None:
            return _to("/receive")
        error = sentence(received.refused.code, received.refused.fields)
        return render_template("receiving/page.html", **scene(doing, error, typed)), 422

    return views


def _to(path: str) -> Response:
    return make_response(redirect(path, 303))
