"""Requests that are not our own page's: hosts, origins, tokens, methods and sizes, each with a name.

A guard sees them before any view does, so every one is refused on every route. Source: RFC 9110, sections 7.2 and 9;
Fetch Metadata Request Headers (W3C); the double-submitted token is `kiosk_ui/kit/guards`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

OURS = "http://localhost"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Page:
    """What a browser of ours would send along."""

    cookies: Mapping[str, str]
    token: str
    session: str


@dataclass(frozen=True)
class Stranger:
    """`codes` of which the refusal is one; `with_cookie` whether a browser's cookies go along, else a bearer token."""

    name: str
    codes: frozenset[str]
    headers: Mapping[str, str] = field(default_factory=dict)
    with_cookie: bool = False
    body: bytes = b""
    content_type: str = FORM
    method: str = ""
    environ: Mapping[str, Any] = field(default_factory=dict)


_HOSTS = (
    "evil.example", "evil.example:80", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "evil.example#127.0.0.1",
    "localhost, evil.example", "localhost.", "[::1", "[::ffff:127.0.0.1]", "0.0.0.0", "0", "127.1", "2130706433",
    "local\u0068ost\u3002", "xn--lcalhost-54a", "*", "../..", "%6cocalhost", "localhost/evil", "x" * 5000, " ", "\xff",
    "localhost evil.example", "[fe80::1%25lo]", "null",
)  # fmt: skip
_ORIGINS = (
    "null", "http://evil.example", "https://localhost", "http://localhost:81", "http://localhost.evil.example",
    "http://evil.example/http://localhost", "//localhost", "localhost", "file://", "http://", "x", "\xff", "http://[",
    "http://user@localhost", "javascript:0", "data:text/html,x", "http://localhost\\@evil.example", "x" * 5000,
    "http://localhost http://evil.example", "http://127.0.0.1", "HTTP:/localhost", "http:localhost", "ftp://localhost",
)  # fmt: skip
_TOKENS = (
    "", " ", "x", "0" * 64, "f" * 64, "\xff\xfe", "\u4e2d\u6587", "x" * 3000, "null", "undefined", "[object Object]",
    "\x00", "%00", "=", "a" * 63,
)  # fmt: skip
_AUTHORIZATIONS = (
    "Bearer", "Bearer ", "Bearer x", "Bearer \xff", "Bearer " + "x" * 9000, "bearer null", "Basic YTpi", "Basic \xff",
    "Digest username=x", "Negotiate", "Bearer ../../x", "Bearer ' OR 1=1 --", "Bearer\tx", "x", " ",
)  # fmt: skip


def unknown_hosts() -> Iterator[Stranger]:
    for host in _HOSTS:
        yield Stranger(f"host {host[:40]!r}", frozenset({"host.unknown"}), {"Host": host})


def foreign_pages() -> Iterator[Stranger]:
    """A page of elsewhere sends a form of ours, with the cookies of whoever sits here."""
    codes = frozenset({"origin.foreign", "door.machine-only"})
    for origin in _ORIGINS:
        yield Stranger(f"origin {origin[:40]!r}", codes, {"Origin": origin}, with_cookie=True)
        yield Stranger(f"referer {origin[:40]!r}", codes, {"Referer": f"{origin}/page"}, with_cookie=True)
    for site in ("cross-site", "same-site", "evil", "\xff"):
        yield Stranger(f"fetch from {site!r}", codes, {"Sec-Fetch-Site": site}, with_cookie=True)


def stale_tokens(page: Page) -> Iterator[Stranger]:
    """The cookies are right, the token of the page is not, wherever it stands."""
    codes = frozenset({"csrf.stale", "door.machine-only"})
    for token in _TOKENS:
        name = f"token {token[:20]!r}"
        yield Stranger(f"{name} in a header", codes, {"X-CSRF-Token": token}, with_cookie=True)
        yield Stranger(f"{name} in the form", codes, with_cookie=True, body=b"csrf=" + token.encode()[:9000])
    cut = page.token[:-1]
    for name, body, kind in (
        ("none", b"", FORM),
        ("cut", f"csrf={cut}".encode(), FORM),
        ("in capitals", f"csrf={page.token.upper()}".encode(), FORM),
        ("twice, wrong first", f"csrf=x&csrf={page.token}".encode(), FORM),
        ("under another name", f"CSRF={page.token}".encode(), FORM),
        ("in JSON", f'{{"csrf": "{page.token}"}}'.encode(), "application/json"),
        ("in plain text", f"csrf={page.token}".encode(), "text/plain"),
        ("in no form at all", f"csrf={page.token}".encode(), "application/octet-stream"),
        ("of the session", f"csrf={page.session}".encode(), FORM),
    ):
        yield Stranger(f"token {name}", codes, with_cookie=True, body=body, content_type=kind)


def unknown_people() -> Iterator[Stranger]:
    """Whoever asks is nobody here; where a person is needed none is found."""
    for text in _AUTHORIZATIONS:
        yield Stranger(
            f"authorization {text[:20]!r}", frozenset({"sign-in.needed", "csrf.stale"}), {"Authorization": text}
        )


def unknown_methods() -> Iterator[Stranger]:
    for method in ("PATCH", "TRACE", "CONNECT", "PROPFIND", "BREW", "GET\x00", "P\xd6ST", "X" * 5000):
        yield Stranger(
            f"method {method[:20]!r}", frozenset({"method.unknown", "page.unknown", "request.broken"}), method=method
        )


def oversize(limit_bytes: int) -> Iterator[Stranger]:
    """More than the route takes: honestly, claimed, and in pieces without a length."""
    codes = frozenset({"body.too-large"})
    for name, size in (("a byte too much", limit_bytes + 1), ("twice as much", 2 * limit_bytes)):
        for kind in (FORM, "application/json", "text/csv"):
            yield Stranger(f"{name} as {kind}", codes, body=bytes(size), content_type=kind)
    for claimed in (limit_bytes + 1, 2**31, 2**63, 10**30):
        yield Stranger(f"claims {claimed}", codes, body=b"x", environ={"CONTENT_LENGTH": str(claimed)})


def said(one: Stranger, method: str, page: Page) -> dict[str, Any]:
    """What the test client is to send."""
    headers = dict(one.headers)
    if not one.with_cookie:
        headers.setdefault("Authorization", f"Bearer {page.session}")
    environ = {"wsgi.input": BytesIO(one.body), "CONTENT_LENGTH": str(len(one.body)), **one.environ}
    return {
        "method": one.method or method, "headers": headers, "content_type": one.content_type,
        "environ_overrides": environ,
    }  # fmt: skip


Kinds = Callable[[], Iterator[Stranger]]
