"""Every view names the right it needs or says why it needs none. What names nothing is refused.

Order at a request: `guards` (is this our own page asking?) > here (may this person?) > the view.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Flask, Response, current_app, g, make_response, redirect, request

from kiosk_ui.kit.port import KitConfig, Principal
from kiosk_ui.kit.problems import problem, wants_page

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "__way_right__"
_MACHINE = "__way_machine__"
_BODY = "__way_body_max__"


def needs(*rights: str) -> Callable[[View], Callable[..., Any]]:
    """The person must hold one of `rights`."""
    assert rights, "name at least one right"

    def mark(view: View) -> Callable[..., Any]:
        setattr(view, _MARK, frozenset(rights))
        return view

    return mark


def open_to_all(reason: str) -> Callable[[View], Callable[..., Any]]:
    """Anybody may ask; `reason` says in one sentence why that is right."""
    assert reason, "say why nobody needs a right here"

    def mark(view: View) -> Callable[..., Any]:
        setattr(view, _MARK, frozenset())
        return view

    return mark


def machine_door(reason: str) -> Callable[[View], Callable[..., Any]]:
    """A door for programs that prove themselves otherwise (client certificate, signed bytes).

    No CSRF token is asked; a request that carries any sign of a browser is refused.
    """
    assert reason, "say how the program proves itself"

    def mark(view: View) -> Callable[..., Any]:
        setattr(view, _MARK, frozenset())
        setattr(view, _MACHINE, True)
        return view

    return mark


def body_max(size_bytes: int) -> Callable[[View], Callable[..., Any]]:
    """This view takes bodies up to `size_bytes` instead of the kit's 1 MiB."""

    def mark(view: View) -> Callable[..., Any]:
        setattr(view, _BODY, size_bytes)
        return view

    return mark


def is_machine_door(view: object) -> bool:
    return getattr(view, _MACHINE, False)


def body_limit(view: object, otherwise: int) -> int:
    return getattr(view, _BODY, otherwise)


def unnamed_routes(app: Flask) -> list[str]:
    """Endpoints that name neither a right nor a reason, in order."""
    return sorted(name for name, view in app.view_functions.items() if getattr(view, _MARK, None) is None)


def assert_all_routes_named(app: Flask) -> None:
    """Start-up check of boot: a route without a right is our own mistake, found before the first request."""
    unnamed = unnamed_routes(app)
    assert not unnamed, f"these routes name no right: {', '.join(unnamed)}"


def current_principal() -> Principal | None:
    """Who asks, resolved once per request."""
    principal: Principal | None = g.get("principal")
    return principal


def may(right: str) -> bool:
    """For templates: whether to show what this right allows."""
    principal = current_principal()
    return principal is not None and right in principal.rights


def check_right() -> Response | None:
    """The before_request answer: None lets the request through."""
    if request.endpoint is None:
        return None
    view = current_app.view_functions.get(request.endpoint)
    wanted: frozenset[str] | None = getattr(view, _MARK, None)
    if wanted is None:
        return problem("right.unnamed", 403)
    if not wanted:
        return None
    principal = current_principal()
    if principal is None:
        return _ask_to_sign_in()
    if principal.rights.isdisjoint(wanted):
        return problem("right.missing", 403, {"right": sorted(wanted)[0]})
    return None


def _ask_to_sign_in() -> Response:
    config: KitConfig = current_app.extensions["kit"]
    if request.headers.get("HX-Request"):
        answer = problem("sign-in.needed", 401)
        answer.headers["HX-Redirect"] = config.sign_in_path
        return answer
    if wants_page() and request.method == "GET":
        there = urlencode({"next": request.full_path.rstrip("?")})
        return make_response(redirect(f"{config.sign_in_path}?{there}", 303))
    answer = problem("sign-in.needed", 401)
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def local_path(target: str | None, otherwise: str = "/") -> str:
    """A place on this node to go to after sign-in; anything that could lead elsewhere becomes `otherwise`."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return otherwise
    if any(ord(ch) < 0x20 or ch == "\\" for ch in target):
        return otherwise
    return target
