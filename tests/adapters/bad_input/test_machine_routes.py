"""Every route of the door that machines have, as the program itself lists them: with and without a certificate.

Pages by which a machine gets its first certificate, or its next one, hear whoever calls. The latter gets every wrong
question for a key or certificate here; the former stand beside the same ones of the screens (`test_hub_doors`).
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest
import requests

from hub.features.fleet.joining import AUTHORITY, ENROL
from hub.link.sync_api import RENEW
from provisioning.trust.ca import make_request as make_csr
from sync.kernel.suite import suite1
from sync.protocol import frames, message
from sync.protocol.key_change import make_change
from tests.adapters.bad_input.cbor_traps import TRAPS
from tests.adapters.bad_input.envelopes import Kind, short_kinds
from tests.adapters.bad_input.hostile import JSON_BODIES, PATHS
from tests.adapters.bad_input.test_hub_doors import Report
from tests.adapters.bad_input.test_hub_doors import report as report
from tests.adapters.bad_input.test_hub_doors import site as site
from tests.adapters.bad_input.whole_site import ANSWER_S_MAX, LEAKED, PATIENCE_S, Site, Told

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
QUERIES = ("", "?wait=nan", "?wait=-1", "?wait=x", "?digest=x", "?wait=0&wait=1", "?%00=%ff", "?" + "a=1&" * 200)
BODIES = (b"", b"\0" * 9, bytes(range(256)) * 40, *JSON_BODIES[:6], *list(TRAPS.values())[:8])


def rules(site: Site) -> list[str]:
    return sorted({rule.rule for rule in site.hub.sync_app.url_map.iter_rules() if rule.endpoint != "static"})


def asked(rule: str) -> Iterator[tuple[str, str, bytes]]:
    """(method, path, body) of nonsense for one route."""
    values = ("x", "1", "-1", "9" * 40, "%00", "ward:W99", *PATHS[:4]) if "<" in rule else ("",)
    for value in values:
        path = re.sub(r"<[^>]+>", value, rule)
        for method in METHODS:
            yield method, path, b""
        for query in QUERIES:
            yield "GET", path + query, b""
        for body in BODIES if value == values[0] else BODIES[:3]:
            yield "POST", path, body
            yield "PUT", path, body


@pytest.fixture
def stranger(site: Site) -> requests.Session:
    """Somebody on the network who has no certificate."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(site.keys.ca_path)
    return session


@pytest.mark.row("H35.7")
def test_every_route_that_is_served_was_given_nonsense(site: Site, report: Report) -> None:
    before, tried, faults = site.held(), Counter[str](), []
    base = site.state["sync_url"]
    for rule in rules(site):
        for method, path, body in asked(rule):
            began = time.monotonic()
            answer = site.door.request(method, base + path, data=body, timeout=PATIENCE_S)
            status, took_s = answer.status_code, time.monotonic() - began
            wrong = status >= 500 or LEAKED.search(answer.content) or took_s > ANSWER_S_MAX
            if wrong or (status >= 400 and not json.loads(answer.content)["code"]):
                faults.append(f"{method} {path[:80]} {body[:20]!r}: {status} {answer.content[:80]!r} {took_s:.1f} s")
            tried[rule] += 1
    assert not faults, f"{len(faults)} of {tried.total()}\n" + "\n".join(faults[:20])
    assert len(tried) >= 12 and min(tried.values()) > 30, tried
    assert site.held() == before
    report("sync door, every route", tried.total())


@pytest.mark.row("H35.7")
def test_without_a_certificate_no_route_but_those_that_give_one_says_anything(
    site: Site, stranger: requests.Session
) -> None:
    base, heard = site.state["sync_url"], []
    for rule in rules(site):
        path = re.sub(r"<[^>]+>", "1", rule)
        for method in METHODS[:3]:
            try:
                answer = stranger.request(method, base + path, data=b"x", timeout=PATIENCE_S)
            except requests.ConnectionError:
                continue
            if (rule, method) == (AUTHORITY, "GET"):
                assert answer.text.startswith("-----BEGIN CERTIFICATE")
                continue
            heard.append((rule, answer.status_code, json.loads(answer.content)["code"]))
    refused = {"certificate-missing", "method.unknown"}
    assert all(400 <= status < 500 for _, status, _ in heard), heard
    assert {code for rule, _, code in heard if rule not in (RENEW, AUTHORITY, ENROL)} <= refused, heard


@pytest.mark.row("H35.7")
def test_wrong_questions_for_another_key_or_certificate(site: Site, stranger: requests.Session, report: Report) -> None:
    before, told, url = site.held(), Told(), site.state["sync_url"] + RENEW
    signing, to = site.keys.signing, site.hub.store.node
    change = make_change(suite1, site.node, signing, bytes(range(32)), bytes(32))
    kinds: list[Kind] = []
    for type, body in ((message.RENEW, change.body()), (message.CERTIFY, {1: make_csr(site.keys.tls_key())})):
        kinds += short_kinds(type, body, signing, site.node, to)
    kinds += site.kinds[::10]
    for kind in kinds:
        if kind.raw:
            told.ask(kind.name, partial(stranger.post, url, data=frames.pack([kind.raw]), timeout=PATIENCE_S))
    two = message.make_message(
        message.CERTIFY, {}, signer=site.node, audience=to, epoch=1, signing_key=signing, suite=suite1
    )
    for name, data in {
        "none": b"",
        "two": frames.pack([two, two]),
        "half": frames.pack([two])[:-1],
        "noise": b"\xff" * 300,
    }.items():
        told.ask(f"frames: {name}", partial(stranger.post, url, data=data, timeout=PATIENCE_S))
    assert not told.faults, f"{len(told.faults)} of {len(told.code)}\n" + "\n".join(told.faults[:20])
    assert site.held() == before and len(told.code) > 500
    row = site.hub.store.node_row(site.node)
    assert row is not None and not row.keys, "no key was taken"
    good = message.make_message(
        message.RENEW, change.body(), signer=site.node, audience=to, epoch=1, signing_key=signing, suite=suite1
    )
    answer = stranger.post(url, data=frames.pack([good]), timeout=PATIENCE_S)
    (record,) = frames.unpack(answer.content)
    assert message.parse_short_header(record).type == message.IDENTITY, "and a right question is answered"
    report("sync door, renewal", len(told.code))
