"""For programs that watch: is it there, how much waits, and what the API offers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import NotFound

from hub.web.openapi import describe
from kiosk_ui.kit.rights import open_to_all

LOOPBACK = frozenset({"127.0.0.1", "::1"})
Figures = Callable[[], Mapping[str, float]]


def health(node: str, figures: Figures) -> Blueprint:
    """`figures` names every figure in the Prometheus way, without prefix."""
    pages = Blueprint("health", __name__)

    @pages.get("/healthz")
    @open_to_all("says that the hub runs, nothing else")
    def healthz() -> Response:
        return jsonify({"status": "ok", "node": node, "role": "hub"})

    @pages.get("/metrics")
    @open_to_all("numbers without names, to this machine alone")
    def metrics() -> Response:
        if request.remote_addr not in LOOPBACK:
            raise NotFound
        return Response(_exposition(figures()), mimetype="text/plain", content_type="text/plain; version=0.0.4")

    @pages.get("/api/v1/openapi.json")
    @open_to_all("the description holds no data")
    def openapi() -> Response:
        return Response(json.dumps(describe(current_app), ensure_ascii=False), mimetype="application/json")

    return pages


def _exposition(figures: Mapping[str, float]) -> bytes:
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    for name, value in sorted(figures.items()):
        Gauge(f"waystation_hub_{name}", name.replace("_", " "), registry=registry).set(value)
    return generate_latest(registry)
