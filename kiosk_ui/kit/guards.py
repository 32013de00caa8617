"""Is this our own page asking? Host, origin, CSRF token, body size; and the headers that every answer carries.

A page that a person opened elsewhere, or a name that was re-bound to this address, gets nothing from a node that
listens on loopback. Programs use `Authorization: Bearer`, which no foreign page can add.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request

from kiosk_ui.kit.port import BODY_BYTES_MAX, KitConfig
from kiosk_ui.kit.problems import problem
from kiosk_ui.kit.rights import body_limit, is_machine_door

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF-Token"
TOKEN_CHARS_MAX = 256


def cookie_name(config: KitConfig, what: str) -> str:
    """Cookies are shared by all ports of a host: the node's key gives its cookies a name of their own."""
    mark = hashlib.sha256(b"cookie" + config.secret_key).hexdigest()[:8]
    return f"way_{what}_{mark}"


def set_session(answer: Response, token: str) -> None:
    """After sign-in: the browser keeps `token` until it closes. The node alone knows when it ends."""
    _set_cookie(answer, "session", token)


def end_session(answer: Response) -> None:
    """After sign-out: nothing stays in the browser."""
    config: KitConfig = current_app.extensions["kit"]
    answer.delete_cookie(cookie_name(config, "session"), httponly=True, samesite="Strict", secure=config.secure_cookies)
    answer.headers["Clear-Site-Data"] = '"cache"'


def remember(answer: Response, what: str, value: str) -> None:
    """A choice of this browser (language, theme); no person, no record."""
    _set_cookie(answer, what, value, max_age=400 * 86400)


def _set_cookie(answer: Response, what: str, value: str, max_age: int | None = None) -> None:
    config: KitConfig = current_app.extensions["kit"]
    name = cookie_name(config, what)
    answer.set_cookie(
        name, value, max_age=max_age, httponly=True, samesite="Strict", secure=config.secure_cookies, path="/"
    )


def read_cookie(what: str) -> str:
    config: KitConfig = current_app.extensions["kit"]
    return request.cookies.get(cookie_name(config, what), "")[:TOKEN_CHARS_MAX]


def session_token() -> tuple[str, bool]:
    """The token and whether a browser sends it by itself (cookie) or a program on purpose (bearer)."""
    kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer" and bearer:
        return bearer.strip()[:TOKEN_CHARS_MAX], False
    return read_cookie("session"), True


def csrf_token() -> str:
    """What a form of this page sends back: bound to the session, or to the visitor before sign-in."""
    visitor = g.get("visitor") or read_cookie("visitor")
    if not visitor:
        visitor = g.visitor = secrets.token_urlsafe(18)
    config: KitConfig = current_app.extensions["kit"]
    bound = f"{visitor}|{read_cookie('session')}".encode()
    return hmac.new(config.secret_key, b"csrf" + bound, hashlib.sha256).hexdigest()


def check_request() -> Response | None:
    """The first before_request answer: None lets the request through."""
    config: KitConfig = current_app.extensions["kit"]
    if not _host_known(config.allowed_hosts):
        return problem("host.unknown", 421)
    view = current_app.view_functions.get(request.endpoint or "")
    limit = body_limit(view, BODY_BYTES_MAX)
    request.max_content_length = limit
    if (request.content_length or 0) > limit:
        return problem("body.too-large", 413)
    if request.method in SAFE:
        return None
    if is_machine_door(view):
        browser = request.cookies or request.headers.get("Origin") or request.headers.get("Sec-Fetch-Site")
        return problem("door.machine-only", 403) if browser else None
    if not _origin_ours():
        return problem("origin.foreign", 403)
    if session_token()[1]:
        given = request.headers.get(CSRF_HEADER) or ""
        if not given and request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data"):
            given = request.form.get(CSRF_FIELD, "")
        if not read_cookie("visitor") or not hmac.compare_digest(given.encode(), csrf_token().encode()):
            return problem("csrf.stale", 403)
    return None


def _host_known(allowed: frozenset[str]) -> bool:
    host = request.host.lower()
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return host in allowed or name in allowed or name.strip("[]") in allowed


def _origin_ours() -> bool:
    ours = (request.scheme, request.host.lower())
    stated = request.headers.get("Origin") or request.headers.get("Referer")
    if stated:
        try:
            parts = urlsplit(stated)
        except ValueError:  # a bracket without its other half
            return False
        return (parts.scheme, parts.netloc.lower()) == ours
    return request.headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none")


def install(app: Flask) -> None:
    """Guard every request and dress every answer."""
    config: KitConfig = app.extensions["kit"]
    frames = " ".join(config.frame_sources) or "'none'"
    ancestors = " ".join(config.frame_ancestors) or "'none'"
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"connect-src 'self'; media-src 'self'; form-action 'self'; base-uri 'none'; frame-src {frames}; "
        f"frame-ancestors {ancestors}"
    )

    @app.after_request
    def dress(answer: Response) -> Response:
        headers = answer.headers
        headers.setdefault("Content-Security-Policy", policy)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if not config.frame_ancestors:
            headers.setdefault("X-Frame-Options", "DENY")
        if "Cache-Control" not in headers:
            headers["Cache-Control"] = "no-store"
        if g.get("visitor"):
            _set_cookie(answer, "visitor", g.visitor)
        return answer
