"""The API's description, drawn from the routes themselves: what is not served cannot be described."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask

PREFIX = "/api/v1/"
_ARGUMENT = re.compile(r"<(?:(\w+):)?(\w+)>")
_PROBLEM = {"description": "RFC 9457 problem document", "content": {"application/problem+json": {"schema": {
    "type": "object", "required": ["title", "status", "code"], "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
        "code": {"type": "string"}, "fields": {"type": "object"}}}}}}  # fmt: skip


def describe(app: Flask) -> dict[str, Any]:
    """OpenAPI 3.1. The first line of a view's docstring is its summary; its right stands in `x-right`."""
    paths: dict[str, dict[str, Any]] = {}
    for rule in sorted(app.url_map.iter_rules(), key=lambda one: one.rule):
        if not rule.rule.startswith(PREFIX):
            continue
        view = app.view_functions[rule.endpoint]
        path = _ARGUMENT.sub(r"{\2}", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            paths.setdefault(path, {})[method.lower()] = _operation(rule.rule, view, rule.endpoint, method)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Waystation hub", "version": "1"},
        "components": {"securitySchemes": {"session": {"type": "http", "scheme": "bearer"}}},
        "security": [{"session": []}],
        "paths": paths,
    }


def _operation(rule: str, view: Any, endpoint: str, method: str) -> dict[str, Any]:
    rights = sorted(getattr(view, "__way_right__", None) or ())
    told = (view.__doc__ or "").strip().splitlines()
    made: dict[str, Any] = {
        "operationId": f"{method.lower()}_{endpoint.replace('.', '_')}",
        "summary": told[0] if told else endpoint,
        "responses": {"2XX": {"description": "done"}, "4XX": _PROBLEM, "503": _PROBLEM},
    }
    if rights:
        made["x-right"] = rights
    else:
        made["security"] = []
    names = [name for _, name in _ARGUMENT.findall(rule)]
    if names:
        made["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ]
    return made
