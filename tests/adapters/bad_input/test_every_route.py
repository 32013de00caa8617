"""Every route of both kinds of box and of the hub, with whatever a body or an address can be made of: no 5xx."""

from __future__ import annotations

import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.adapters.bad_input.conftest import Served
from tests.adapters.bad_input.hostile import FIELDS, JSON_BODIES, JSON_KINDS, OF_TYPE, OTHER_BODIES, PATHS, TEXTS
from tests.adapters.bad_input.whole_site import ANSWER_S_MAX, LEAKED, MEMORY_BYTES_MAX, memory_bytes, memory_forget

METHODS = ("GET", "POST", "PUT", "DELETE")
STREAMS = ("/events", "/api/v1/events")
SHAPE_TRIES = 40
SEED = 7


def routes(node: Served) -> Iterator[tuple[str, str]]:
    """(method, rule) of everything that is served."""
    for rule in sorted(node.app.url_map.iter_rules(), key=lambda one: one.rule):
        for method in METHODS:
            if method in (rule.methods or set()):
                yield method, rule.rule


def addressed(rule: str, value: str) -> str:
    return re.sub(r"<[^>]+>", value, rule)


def facts_of(node: Served) -> int:
    """Facts of the node's own, but for what its lists of events say of refusals."""
    with node.parts.store.read() as conn:
        return int(conn.execute("SELECT coalesce(sum(last), 0) FROM stream WHERE own = 1 AND lane > 0").fetchone()[0])


class Report:
    """What was answered. `faults` are answers that no bad input may get."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.faults: list[str] = []
        self._facts = -1

    def ask(self, node: Served, method: str, path: str, **more: Any) -> Any:
        began = time.monotonic()
        answer = node.ask(method, path, **more)
        took_s = time.monotonic() - began
        status = answer.status_code
        self.statuses[status] += 1
        before, self._facts = self._facts, facts_of(node)
        wrong = f"{status}" if status >= 500 else ""
        if status >= 400 and "json" in answer.mimetype and not json.loads(answer.data).get("code"):
            wrong = f"{status} without a code"
        elif status >= 400 and before not in (-1, self._facts):
            wrong = f"{status}, and something was written"
        elif "html" not in answer.mimetype and status >= 400 and LEAKED.search(answer.data):
            wrong = f"{status} tells what only we may see"
        elif took_s > ANSWER_S_MAX:
            wrong = f"{took_s:.1f} s"
        if wrong:
            self.faults.append(f"{method} {path[:80]} {str(more)[:200]} -> {wrong}")
        answer.close()
        return answer


def learn_shape(node: Served, report: Report, method: str, path: str) -> dict[str, Any]:
    """The smallest JSON body of which the door no longer says that a member is missing or of the wrong type."""
    body: dict[str, Any] = {}
    kinds = ("x", 1, ["x"], True, {}, None)
    tried: Counter[str] = Counter()
    for _ in range(SHAPE_TRIES):
        before = len(node.faults)
        report.ask(node, method, path, json=body)
        if len(node.faults) == before or node.faults[-1] == "?":
            return body
        name = node.faults[-1]
        body[name] = kinds[tried[name] % len(kinds)]
        tried[name] += 1
    return body


@pytest.mark.row("A05.10")
@pytest.mark.parametrize("name", ["courier", "records", "hub"])
def test_no_request_gets_a_5xx(name: str, request: pytest.FixtureRequest) -> None:
    node: Served = request.getfixturevalue(name)
    report, rng = Report(), random.Random(SEED)
    at_first = memory_bytes("VmRSS")
    memory_forget()
    for method, rule in routes(node):
        if rule in STREAMS:
            continue
        values = (*node.keys, *PATHS) if "<" in rule else ("",)
        for value in values:
            path = addressed(rule, value)
            if method == "GET":
                report.ask(node, "GET", path)
                report.ask(node, "GET", path, headers={"Accept": "text/html"})
                for field in rng.sample(FIELDS, 4):
                    report.ask(node, "GET", path, query_string={field: rng.choice(TEXTS), "page": rng.choice(TEXTS)})
                continue
            if value == values[0] or value in node.keys:
                for raw in JSON_BODIES:
                    report.ask(node, method, path, data=raw, content_type="application/json")
                for kind, headers, raw in JSON_KINDS if value == values[0] else ():
                    report.ask(node, method, path, data=raw, content_type=kind, headers=headers)
                for kind, raw in OTHER_BODIES:
                    report.ask(node, method, path, data=raw, content_type=kind)
            for text in rng.sample(TEXTS, 4):
                form = dict.fromkeys(FIELDS, text)
                report.ask(node, method, path, data=form, headers={"Accept": "text/html", "HX-Request": "true"})
            shape = learn_shape(node, report, method, path)
            for field, held in shape.items():
                for hostile in OF_TYPE[type(held)]:
                    report.ask(node, method, path, json={**shape, field: hostile})
    assert not report.faults, "\n".join(report.faults[:20])
    assert sum(report.statuses.values()) > 500, "several hundred requests were meant"
    assert sum(n for status, n in report.statuses.items() if 400 <= status < 500) > 300, report.statuses
    assert memory_bytes("VmHWM") - at_first <= 2 * MEMORY_BYTES_MAX, "with all that the first of every kind loads"
    assert node.ask("GET", "/healthz").status_code == 200


@pytest.mark.parametrize("name", ["courier", "records", "hub"])
def test_addresses_and_headers_of_no_sense_get_a_plain_refusal(name: str, request: pytest.FixtureRequest) -> None:
    node: Served = request.getfixturevalue(name)
    report = Report()
    for value in (*PATHS, "a/b/c/" * 100, "..;/", ".git/config", "static/../../settings.toml", "%252e%252e/"):
        answer = report.ask(node, "GET", f"/{value}")
        assert answer.status_code in (303, 308, 400, 404, 405), (value[:40], answer.status_code)
    for headers in (
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Authorization": "Bearer " + "x" * 9000},
        {"Authorization": "Basic \xff"},
        {"Cookie": "a" * 9000},
        {"Last-Event-ID": "\xff-99999999999999999999999"},
        {"Accept-Language": "zh;q=9,*;q=x," * 50},
        {"Content-Length": "-1"},
        {"Range": "bytes=99999999999-1"},
    ):
        for method in ("GET", "POST"):
            report.ask(node, method, "/api/v1/session", headers=headers)
    assert not report.faults, report.faults
