"""Every no is a problem document with a code, or the same as one calm page.

Source: RFC 9457. The sentence is made here, in the reader's language, from the code; a field never holds patient data
and nothing of the request is repeated.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, current_app, g, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from kiosk_ui.kit import locale
from kiosk_ui.kit.port import KitConfig
from kiosk_ui.kit.screens.words import N_
from sync.kernel.outcome import PeerFault, Refused, Unavailable

SENTENCES: dict[str, str] = {
    "sign-in.needed": N_("要先登录"),
    "right.missing": N_("这件事要另外的权限，请找管理员"),
    "right.unnamed": N_("这个地址还没有定好谁能用，所以谁都不能用"),
    "host.unknown": N_("这个网址不是这台机器的，请从书签里打开"),
    "origin.foreign": N_("这个请求不是从本机页面来的，没有照办"),
    "csrf.stale": N_("这一页放太久了，没有照办。刷新以后再做一次"),
    "door.machine-only": N_("这里只给机器用，浏览器不能用"),
    "body.too-large": N_("内容太大，没有收下"),
    "body.unreadable": N_("内容读不懂，没有收下"),
    "json.wrong-type": N_("这里要 JSON，没有收下"),
    "json.broken": N_("JSON 读不懂，没有收下"),
    "json.too-deep": N_("JSON 套得太深，没有收下"),
    "json.duplicate-key": N_("JSON 里有重复的键，没有收下"),
    "json.not-a-number": N_("JSON 里有不是数的数，没有收下"),
    "json.field-missing": N_("少一项：%(field)s"),
    "json.field-type": N_("这一项的类型不对：%(field)s"),
    "json.field-unknown": N_("多出一项：%(field)s"),
    "page.unknown": N_("没有这一页"),
    "method.unknown": N_("这里不能这样做"),
    "request.broken": N_("请求读不懂，没有照办"),
    "incident": N_("这一步没有做成，已经记下来了。刚才的东西没有丢，再试一次；还不行，请报这个编号：%(incident)s"),
}
RETRY = N_("现在做不了，过 %(n)s 秒再试一次")
OTHERWISE = N_("这件事现在不能做")
_STATUS_CODES = {400: "request.broken", 404: "page.unknown", 405: "method.unknown", 413: "body.too-large"}

ReportIncident = Callable[[str, BaseException], None]


def wants_page() -> bool:
    """A person's browser asks for a page, not a program for an answer."""
    if request.path.startswith("/api/") or request.is_json:
        return False
    return any(kind == "text/html" and weight > 0 for kind, weight in request.accept_mimetypes)


def sentence(code: str, fields: Mapping[str, Any]) -> str:
    """The sentence of a code in the reader's language; an unknown code has a general one."""
    config: KitConfig = current_app.extensions["kit"]
    text = config.sentences.get(code) or SENTENCES.get(code) or OTHERWISE
    try:
        return locale.gettext(text, **fields)
    except (KeyError, TypeError, ValueError):
        return locale.gettext(OTHERWISE)


def problem(
    code: str, status: int, fields: Mapping[str, Any] | None = None, *, title: str | None = None, retry_s: float = 0
) -> Response:
    """A page for a browser, a fragment for an htmx request, else `application/problem+json`."""
    fields = dict(fields or {})
    title = title or sentence(code, fields)
    if request.headers.get("HX-Request"):
        answer = make_response(render_template("kit/problem_card.html", code=code, title=title), status)
        answer.headers["HX-Retarget"] = "#notice"
        answer.headers["HX-Reswap"] = "innerHTML"
    elif wants_page():
        answer = make_response(render_template("kit/problem.html", code=code, title=title, status=status), status)
    else:
        document = {"type": "about:blank", "title": title, "status": status, "code": code, "fields": fields}
        answer = make_response(json.dumps(document, ensure_ascii=False, separators=(",", ":")), status)
        answer.mimetype = "application/problem+json"
    answer.headers["Cache-Control"] = "no-store"
    if retry_s:
        answer.headers["Retry-After"] = str(max(1, round(retry_s)))
    return answer


def refused(no: Refused, status: int = 422) -> Response:
    """A rule said no: 422 unless the view knows better."""
    return problem(no.code, status, no.fields)


def unavailable(exc: Unavailable) -> Response:
    """Disk, network or a device cannot now: the only 503, and it says when to try again."""
    wait_s = max(1, round(exc.retry_s))
    config: KitConfig = current_app.extensions["kit"]
    own = config.sentences.get(exc.code)
    title = locale.gettext(own) if own else locale.ngettext(RETRY, RETRY, wait_s)
    return problem(exc.code, 503, {"retry_s": wait_s}, title=title, retry_s=exc.retry_s)


def install(app: Flask, report: ReportIncident) -> None:
    """Register the handlers. `report(incident, exception)` writes the log; the answer carries the number alone."""

    @app.errorhandler(HTTPException)
    def http_error(exc: HTTPException) -> Response:
        if exc.response is not None and isinstance(exc.response, Response):
            return exc.response
        status = exc.code or 500
        if status >= 500:
            return unexpected(exc)
        answer = problem(_STATUS_CODES.get(status, "request.broken"), status)
        for header, value in exc.get_headers():
            if header.lower() == "allow":
                answer.headers[header] = value
        return answer

    @app.errorhandler(PeerFault)
    def peer_fault(exc: PeerFault) -> Response:
        return problem(exc.code, 400)

    @app.errorhandler(Unavailable)
    def not_now(exc: Unavailable) -> Response:
        return unavailable(exc)

    @app.errorhandler(Exception)
    def unexpected(exc: BaseException) -> Response:
        incident = secrets.token_hex(4)
        g.incident = incident
        report(incident, exc)
        return problem("incident", 500, {"incident": incident})
