"""Signing in and out with badge and PIN, as a page and for programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request

from appliance.features.people.service import People
from appliance.features.people.store import PersonRow
from appliance.web.asking import form_text, members
from kiosk_ui.kit.guards import end_session, session_token, set_session
from kiosk_ui.kit.problems import sentence
from kiosk_ui.kit.rights import current_principal, local_path, machine_door, open_to_all
from sync.kernel.outcome import Refused

Signed = Callable[[str], None]
"""Hears a user id."""

Home = Callable[[frozenset[str]], str]
"""Rights of a person → where their work on this box begins; "" where there is none."""


def make_views(people: People, *, home: Home, signed_in: Signed, signed_out: Signed) -> Blueprint:
    """`signed_in` and `signed_out` let the other features of the box know who stands before it."""
    views = Blueprint("people", __name__)

    def begin(badge: str, pin: str) -> tuple[str, PersonRow] | Refused:
        begun = people.sign_in(badge, pin)
        if not isinstance(begun, Refused):
            signed_in(begun[1].user_id)
        return begun

    def end() -> None:
        principal = current_principal()
        if principal is not None:
            signed_out(principal.user_id)
        people.sign_out(session_token()[0])

    @views.get("/")
    @open_to_all("it only leads to the place where the person's work begins")
    def start() -> Any:
        principal = current_principal()
        if principal is None:
            return _to("/sign-in")
        there = home(principal.rights)
        return _to(there) if there else render_template("people/nothing_here.html")

    @views.get("/sign-in")
    @open_to_all("who is not known yet must be able to say who it is")
    def sign_in() -> str:
        return _page(local_path(request.args.get("next")))

    @views.post("/sign-in")
    @open_to_all("badge and PIN are what is asked here")
    def try_sign_in() -> Any:
        badge, pin, there = form_text("badge", 64), form_text("pin", 64), local_path(request.form.get("next"))
        begun = begin(badge, pin)
        if isinstance(begun, Refused):
            return _page(there, badge, sentence(begun.code, begun.fields)), 422
        answer = _to(there)
        set_session(answer, begun[0])
        return answer

    @views.post("/sign-out")
    @open_to_all("ending one's own session takes nothing from anybody")
    def sign_out() -> Response:
        end()
        answer = _to("/sign-in")
        end_session(answer)
        return answer

    @views.post("/api/v1/session")
    @machine_door("badge and PIN are in the body")
    def open_session() -> Any:
        asked = members({"badge": str, "pin": str})
        begun = begin(asked["badge"][:64], asked["pin"][:64])
        if isinstance(begun, Refused):
            return begun, 401 if begun.code == "sign-in.unknown" else 403
        token, person = begun
        return {
            "token": token,
            "user": {
                "id": person.user_id,
                "name": person.name,
                "roles": sorted(person.roles),
                "rights": sorted(person.rights),
                "ward": person.ward,
            },
        }, 201

    @views.delete("/api/v1/session")
    @open_to_all("ending one's own session takes nothing from anybody")
    def close_session() -> Any:
        end()
        return {"ok": True}

    return views


def _to(path: str) -> Response:
    return make_response(redirect(path, 303))


def _page(there: str, badge: str = "", error: str | None = None) -> str:
    action = "/sign-in" if there == "/" else f"/sign-in?{urlencode({'next': there})}"
    return render_template("people/sign_in.html", action=action, next=there, badge=badge, error=error)
