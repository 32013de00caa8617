from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from provisioning.demo.relay import MODES, LineSpec, Relay
from provisioning.demo.relay_control import RelayControl

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def relay() -> Iterator[Relay]:
    with Relay([LineSpec("courier-1", {"mqtt": ("127.0.0.1", 9), "https": ("127.0.0.1", 9)})]) as made:
        yield made


@pytest.fixture
def control(relay: Relay) -> Iterator[RelayControl]:
    made = RelayControl(relay)
    made.start()
    yield made
    made.stop()


def ask(control: RelayControl, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict]:
    link = http.client.HTTPConnection(urlsplit(control.url).netloc, timeout=20)
    raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    link.request(method, path, raw, {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}})
    answer = link.getresponse()
    document = json.loads(answer.read())
    link.close()
    return answer.status, document


def test_lines_are_told_and_switched(control: RelayControl, relay: Relay) -> None:
    status, document = ask(control, "GET", "/lines")
    assert status == 200
    (line,) = document["lines"]
    assert (line["name"], line["mode"], line["modes"]) == ("courier-1", "up", list(MODES))
    assert line["ports"] == {target: relay.port("courier-1", target) for target in ("mqtt", "https")}
    for mode in MODES:
        status, line = ask(control, "POST", "/lines/courier-1", {"mode": mode})
        assert (status, line["mode"]) == (200, mode) == (200, relay.line("courier-1").mode)


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "code"),
    [
        ("/lines/courier-1", {"mode": "sideways"}, {}, 400, "mode"),
        ("/lines/courier-1", {"mode": ["up"]}, {}, 400, "mode"),
        ("/lines/courier-1", {}, {}, 400, "mode"),
        ("/lines/courier-1", ["up"], {}, 400, "mode"),
        ("/lines/courier-1", b"{", {}, 400, "json"),
        ("/lines/courier-1", b"\xff", {}, 400, "json"),
        ("/lines/courier-1", b"[" * 1000, {}, 400, "json"),
        ("/lines/courier-1", b" " * 5000, {}, 413, "length"),
        ("/lines/courier-1", {"mode": "up"}, {"Content_Type": "text/plain"}, 415, "json-only"),
        ("/lines/courier-1", {"mode": "up"}, {"Host": "rebound.example"}, 403, "host"),
        ("/lines/nobody", {"mode": "up"}, {}, 404, "line-unknown"),
        ("/", {"mode": "up"}, {}, 404, "not-found"),
    ],
)
def test_a_wrong_request_gets_a_code_and_changes_nothing(
    control: RelayControl, relay: Relay, path: str, body: object, headers: dict[str, str], status: int, code: str
) -> None:
    before = relay.lines()
    answered, document = ask(control, "POST", path, body, **headers)
    assert (answered, document["code"]) == (status, code)
    assert relay.lines() == before
