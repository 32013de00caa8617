"""JSON bodies, read strictly: what is not exactly what the door expects is the sender's fault, told with a code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from sync.kernel.outcome import PeerFault

JSON_BYTES_MAX = 64 * 1024
JSON_DEPTH_MAX = 32

Shape = Mapping[str, type | tuple[type, ...]]


class FieldFault(PeerFault):
    """One member of the body is wrong; `field` is our own name for it, never the sender's text."""

    def __init__(self, code: str, field: str) -> None:
        super().__init__(code, field)
        self.field = field


def parse_json(request: Request, max_bytes: int = JSON_BYTES_MAX) -> dict[str, Any]:
    """The body as one JSON object; PeerFault, or 413.

    Limits: `max_bytes`, 32 levels, no duplicate keys, no NaN or infinities, strict UTF-8, whole numbers below 2**63.
    """
    if request.mimetype != "application/json":
        raise PeerFault("json.wrong-type")
    if request.content_length is not None and request.content_length > max_bytes:
        raise RequestEntityTooLarge()
    raw = request.stream.read(max_bytes + 1)
    if len(raw) > max_bytes:
        raise RequestEntityTooLarge()
    return loads_strict(raw)


def loads_strict(raw: bytes) -> dict[str, Any]:
    """The same for bytes from elsewhere."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise PeerFault("json.broken") from None
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_small_int)
    except RecursionError:
        raise PeerFault("json.too-deep") from None
    except ValueError:
        raise PeerFault("json.broken") from None
    if not isinstance(value, dict):
        raise PeerFault("json.broken")
    _check(value, 1)
    return value


def take(body: Mapping[str, Any], required: Shape, optional: Shape | None = None) -> dict[str, Any]:
    """The named members with exactly the named types (`bool` is no `int`); an unknown member is refused."""
    optional = optional or {}
    unknown = body.keys() - required.keys() - optional.keys()
    if unknown:
        raise FieldFault("json.field-unknown", "?")
    for name, kinds in {**required, **optional}.items():
        if name not in body:
            if name in required:
                raise FieldFault("json.field-missing", name)
            continue
        wanted = kinds if isinstance(kinds, tuple) else (kinds,)
        if type(body[name]) not in wanted:
            raise FieldFault("json.field-type", name)
    return dict(body)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise PeerFault("json.duplicate-key")
    return members


def _no_constant(_: str) -> NoReturn:
    raise PeerFault("json.not-a-number")


def _small_int(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**63:
        raise PeerFault("json.not-a-number")
    return int(digits)


def _check(value: Any, depth: int) -> None:
    """No lone surrogates (they cannot be stored or shown), no nesting beyond the limit."""
    if depth > JSON_DEPTH_MAX + 1:
        raise PeerFault("json.too-deep")
    match value:
        case str():
            if any("\ud800" <= ch <= "\udfff" for ch in value):
                raise PeerFault("json.broken")
        case dict():
            for key, member in value.items():
                _check(key, depth)
                _check(member, depth + 1)
        case list():
            for member in value:
                _check(member, depth + 1)
