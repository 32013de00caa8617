"""Signing in and out, for people and for programs."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request, url_for

from hub.features.sign_in.service import SignIn
from kiosk_ui.kit import guards
from kiosk_ui.kit.body import parse_json, take
from kiosk_ui.kit.port import Principal
from kiosk_ui.kit.problems import sentence
from kiosk_ui.kit.rights import current_principal, local_path, machine_door, open_to_all
from kiosk_ui.kit.screens.words import N_
from sync.kernel.outcome import Refused

SENTENCES = {
    "sign-in.unknown": N_("用户名或密码不对"),
    "sign-in.wait": N_("试错太多次，过 %(seconds)s 秒再试"),
    "sign-in.no-rights": N_("这个账号现在什么都不能做，请找管理员"),
}


def make_views(service: SignIn) -> Blueprint:
    pages = Blueprint("sign_in", __name__)

    @pages.get("/sign-in")
    @open_to_all("one has to come in somewhere")
    def form() -> str:
        return _form(local_path(request.args.get("next")))

    @pages.post("/sign-in")
    @open_to_all("one has to come in somewhere")
    def sign_in() -> Response | tuple[str, int]:
        there = local_path(request.form.get("next"))
        user = request.form.get("user", "")
        outcome = service.sign_in(user, request.form.get("password", ""))
        if isinstance(outcome, Refused):
            return _form(there, sentence(outcome.code, outcome.fields), user[:80]), 422
        answer = make_response(redirect(there, 303))
        guards.set_session(answer, outcome[0])
        return answer

    @pages.post("/sign-out")
    @open_to_all("leaving needs no right")
    def sign_out() -> Response:
        _end(service)
        answer = make_response(redirect(url_for("sign_in.form"), 303))
        guards.end_session(answer)
        return answer

    @pages.post("/api/v1/session")
    @machine_door("the password in the body is the proof; pages of other sites cannot ask, browsers are refused")
    def api_sign_in() -> Response | Refused:
        """Sign in with user and password; the token goes into `Authorization: Bearer`."""
        body = take(parse_json(request), {"user": str, "password": str})
        outcome = service.sign_in(body["user"], body["password"])
        if isinstance(outcome, Refused):
            return outcome
        return jsonify({"token": outcome[0], **_told(outcome[1])})

    @pages.get("/api/v1/session")
    @open_to_all("says who asks, to whoever asks")
    def api_who() -> Response:
        """Who this session is; `user` null when it is nobody."""
        principal = current_principal()
        return jsonify({"user": None} if principal is None else _told(principal))

    @pages.delete("/api/v1/session")
    @open_to_all("leaving needs no right")
    def api_sign_out() -> tuple[str, int]:
        """End this session."""
        _end(service)
        return "", 204

    return pages


def _form(there: str, error: str | None = None, user: str = "") -> str:
    action = url_for("sign_in.sign_in")
    return render_template("kit/sign_in_password.html", action=action, next=there, error=error, user=user)


def _end(service: SignIn) -> None:
    principal = current_principal()
    if principal is not None:
        service.sign_out(guards.session_token()[0], principal.user_id)


def _told(principal: Principal) -> dict[str, Any]:
    return {
        "user": principal.user_id,
        "name": principal.name,
        "roles": sorted(principal.roles),
        "rights": sorted(principal.rights),
    }
