"""The overview that comes first, and the machines: their books, their cards, shutting out."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound

from hub.features.fleet import words
from hub.features.fleet.service import Fleet, Machine
from kiosk_ui.kit.rights import body_max, current_principal, needs
from provisioning.trust.cards import card_png, card_text
from sync.kernel.limits import STICK_BYTES_MAX
from sync.kernel.outcome import Refused


def actor() -> str:
    principal = current_principal()
    assert principal is not None, "the right was checked"
    return principal.user_id


def wards_of(machine: Machine) -> list[str]:
    """Ward codes among a machine's scopes."""
    return [label.removeprefix("ward:") for label in machine.row.scopes if label.startswith("ward:")]


def split_codes(text: str) -> list[str]:
    """Ward codes as a person types them: with commas, Chinese commas or blanks between."""
    return text.replace("，", " ").replace("、", " ").replace(",", " ").split()


def stream_of(text: str) -> tuple[int, int] | None:
    """(incarnation, lane) from `incarnation in hex/lane`; None for anything else."""
    found = re.fullmatch(r"([0-7][0-9a-f]{15})/([0-2])", text)
    return None if found is None else (int(found[1], 16), int(found[2]))


def make_views(
    service: Fleet,
    wards: Callable[[], Mapping[str, str]],
    questions: Callable[[], int],
    leases: Callable[[str], object],
) -> Blueprint:
    """`wards`: names by code; `questions`: how many wait for a person; `leases`: what a machine holds, for its page."""
    pages = Blueprint("fleet", __name__, template_folder="templates")

    @pages.app_context_processor
    def said() -> dict[str, object]:
        return {"fleet_words": words, "wards_of": wards_of}

    def shown() -> dict[str, object]:
        return {
            "overview": service.overview(),
            "questions": questions(),
            "lag": service.lag(),
            "wards": wards(),
            "safety": service.safety(),
        }

    @pages.get("/")
    @needs("settings.read")
    def overview() -> str:
        return render_template("fleet/overview.html", **shown())

    @pages.get("/overview/part")
    @needs("settings.read")
    def part() -> str:
        return render_template("fleet/part.html", **shown())

    @pages.get("/machines")
    @needs("settings.read")
    def machines() -> str:
        return render_template("fleet/machines.html", overview=service.overview(), cards=service.cards(), wards=wards())

    @pages.post("/machines/cards")
    @needs("fleet.manage")
    def new_card() -> str | Refused:
        chosen = request.form.getlist("ward") + split_codes(request.form.get("wards", ""))
        card = service.new_card(request.form.get("role", ""), request.form.get("name", ""), chosen, actor())
        if isinstance(card, Refused):
            return card
        picture = base64.b64encode(card_png(card)).decode()
        return render_template("fleet/card.html", card=card, picture=picture, text=card_text(card))

    @pages.post("/machines/stick")
    @needs("fleet.manage")
    @body_max(STICK_BYTES_MAX)
    def stick() -> Response:
        """A stick file from a machine without a line; the answer is the file to carry back."""
        file = request.files.get("file")
        answer = Response(service.stick(file.stream.read() if file else b"", actor()))
        answer.content_type = "application/octet-stream"
        answer.headers["Content-Disposition"] = 'attachment; filename="way-answers.way"'
        return answer

    @pages.post("/machines/cards/<short>/withdraw")
    @needs("fleet.manage")
    def withdraw(short: str) -> Response | Refused:
        return service.withdraw_card(short, actor()) or _there(url_for("fleet.machines"))

    @pages.get("/machines/<node>")
    @needs("settings.read")
    def machine(node: str) -> str:
        found = service.machine(node)
        if found is None:
            raise NotFound
        stopped, missing, lost = service.acts.view(node)
        return render_template(
            "fleet/machine.html",
            machine=found,
            wards=wards(),
            leases=leases(node),
            stopped=stopped,
            missing=missing,
            lost=lost,
            undrained=service.acts.undrained(found.row),
            key_asked=service.acts.key_asked(found.row),
            late=service.late.view(node) if found.state == "revoked" else (),
        )

    @pages.post("/machines/<node>/scopes")
    @needs("fleet.manage")
    def scopes(node: str) -> Response | Refused:
        chosen = request.form.getlist("ward") + split_codes(request.form.get("wards", ""))
        return service.set_scopes(node, chosen, actor()) or _there(url_for("fleet.machine", node=node))

    @pages.post("/machines/<node>/lineage")
    @needs("fleet.manage")
    def lineage(node: str) -> Response | Refused:
        """Restored or copied: a person's word on a machine with two pasts."""
        verdict = request.form.get("verdict", "")
        return service.acts.judge(node, verdict, actor()) or _there(url_for("fleet.machine", node=node))

    @pages.post("/machines/<node>/hold")
    @needs("fleet.manage")
    def hold(node: str) -> Response | Refused:
        """Take nothing more from a machine for now, or go on."""
        freeze = request.form.get("freeze") == "1"
        return service.acts.hold(node, actor(), freeze=freeze) or _there(url_for("fleet.machine", node=node))

    @pages.post("/machines/<node>/key")
    @needs("fleet.manage")
    def renew_key(node: str) -> Response | Refused:
        """Have a machine change its signing key at its next greeting."""
        return service.acts.renew_key(node, actor()) or _there(url_for("fleet.machine", node=node))

    @pages.post("/machines/<node>/thaw")
    @needs("fleet.manage")
    def thaw(node: str) -> Response | Refused:
        """End a stopped stream: issue again what lies beyond it, or give it up."""
        place = stream_of(request.form.get("stream", ""))
        if place is None:
            return Refused("stream.not-stopped")
        said, reason = request.form.get("choice", ""), request.form.get("reason", "")
        return service.acts.thaw(node, *place, said, reason, actor()) or _there(url_for("fleet.machine", node=node))

    @pages.post("/machines/<node>/late")
    @needs("fleet.manage")
    def late(node: str) -> Response | Refused:
        """Let what came of a machine after it was shut out count, up to a number."""
        place, upto = stream_of(request.form.get("stream", "")), request.form.get("upto", "")
        if place is None or not re.fullmatch(r"[0-9]{1,18}", upto):
            return Refused("stream.nothing-late")
        done = service.late.let_count(node, *place, int(upto), request.form.get("reason", ""), actor())
        return done if isinstance(done, Refused) else _there(url_for("fleet.machine", node=node))

    @pages.post("/machines/<node>/losses")
    @needs("fleet.manage")
    def losses(node: str) -> Response | Refused:
        """Sign that what this machine no longer has will never come."""
        reason = request.form.get("reason", "")
        return service.acts.report_loss(node, reason, actor()) or _there(url_for("fleet.machine", node=node))

    @pages.post("/machines/<node>/revoke")
    @needs("fleet.manage")
    def revoke(node: str) -> str | Response | Refused:
        """The first step asks; the second, with `sure`, acts."""
        found = service.machine(node)
        if found is None:
            raise NotFound
        reason = request.form.get("reason", "")
        if request.form.get("sure") != "1":
            return render_template("fleet/revoke.html", machine=found, reason=reason)
        return service.revoke(node, reason, actor()) or _there(url_for("fleet.machine", node=node))

    @pages.post("/machines/<node>/close")
    @needs("fleet.manage")
    def close(node: str) -> str | Response | Refused:
        """End a copied machine whose halves have drained. The first step asks; the second, with `sure`, acts."""
        found = service.machine(node)
        if found is None:
            raise NotFound
        if request.form.get("sure") != "1":
            return render_template("fleet/close.html", machine=found)
        return service.close(node, actor()) or _there(url_for("fleet.machine", node=node))

    return pages


def _there(address: str) -> Response:
    answer = redirect(address, 303)
    assert isinstance(answer, Response)
    return answer
