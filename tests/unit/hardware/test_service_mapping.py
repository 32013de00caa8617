import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.codecs.service_mapping import IMAGE_BYTES_MAX, ServiceStep, filled, read_mapping, read_step
from hardware.profiles import services
from hardware.transports.loopback import loopback_base
from sync.kernel.outcome import PeerFault

PAD, FACE = services.load("inkwell-pad"), services.load("gatehouse-face")
TEXT = """
kind = "face-terminal"
line = "websocket"
title_zh = "门"
title_en = "gate"
url = "ws://127.0.0.1:1"
session_field = "id"
state_field = "event"
result_field = "match"
passed = [true]
[start]
body = { cmd = "start" }
[states]
waiting = [0]
done = [1]
[checklist]
"""


def test_every_shipped_mapping_can_be_read() -> None:
    assert services.names() == ("gatehouse-face", "inkwell-pad")
    assert {services.load(name).kind for name in services.names()} == {"signature-pad", "face-terminal"}
    assert all(services.load(name).checklist for name in services.names())
    with pytest.raises(KeyError):
        services.load("../hid-gun")


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        (("kind", "kinds"), "kinds"),
        (('title_en = "gate"', ""), "title_en"),
        (('"face-terminal"', '"kettle"'), "kind or line"),
        (('"websocket"', '"http"'), "poll"),
        (("passed = [true]", ""), "passed"),
        (("waiting = [0]", "dancing = [0]"), "dancing"),
        (("[start]\n", '[start]\npath = "/x/{name}"\n'), "session"),
        (("[start]\n", '[start]\npath = "http://192.0.2.1/"\n'), "session"),
        (("[start]\n", "[start]\nbodies = 1\n"), "start"),
        (('"face-terminal"', '"signature-pad"'), "encoding"),
    ],
)
def test_a_wrong_mapping_names_its_key(changed: tuple[str, str], word: str) -> None:
    assert read_mapping("mine", TEXT)
    with pytest.raises(ValueError, match=word):
        read_mapping("mine", TEXT.replace(*changed))


@pytest.mark.parametrize(
    ("answer", "step"),
    [
        ({"data": {"session": "s1", "state": "ready"}}, ServiceStep("waiting", "s1")),
        ({"data": {"session": 7, "state": "signing"}}, ServiceStep("waiting", "7")),
        ({"data": {"state": "cancelled"}}, ServiceStep("cancelled")),
        ({"data": {"session": "s1", "state": "finished", "image": "aGk="}}, ServiceStep("done", "s1", b"hi")),
        (
            {"data": {"session": "s1", "state": "finished", "image": "data:image/png;base64,aGk="}},
            ServiceStep("done", "s1", b"hi"),
        ),
    ],
)
def test_a_pads_answers(answer: dict, step: ServiceStep) -> None:
    assert read_step(PAD, json.dumps(answer)) == step


@pytest.mark.parametrize(
    ("match", "passed"), [(True, True), ("PASS", True), (False, False), ("true", False), (1, False), ("FAIL", False)]
)
def test_a_verdict_is_what_the_file_calls_passed_and_nothing_else(match: object, passed: bool) -> None:
    step = read_step(FACE, json.dumps({"id": "s1", "event": "result", "match": match, "face": "AAAA"}))
    assert step == ServiceStep("done", "s1", passed=passed)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "service.answer"),
        (b"<html>", "service.answer"),
        (b"[" * 100_000, "service.answer"),
        (b"\xff\xfe", "service.answer"),
        (b"[]", "service.state"),
        (b'{"data": {"state": "dancing"}}', "service.state"),
        (b'{"data": {"state": true}}', "service.state"),
        (b'{"data": {"state": "ready", "session": "../../x"}}', "service.answer"),
        (b'{"data": {"state": "finished"}}', "service.result"),
        (b'{"data": {"state": "finished", "image": "!!"}}', "service.result"),
        (b'{"data": {"state": "finished", "image": 7}}', "service.result"),
    ],
)
def test_what_cannot_be_understood_is_their_fault(answer: bytes, code: str) -> None:
    with pytest.raises(PeerFault) as fault:
        read_step(PAD, answer)
    assert fault.value.code == code


def test_an_image_has_a_bound() -> None:
    large = base64.b64encode(bytes(IMAGE_BYTES_MAX + 1)).decode()
    with pytest.raises(PeerFault, match=r"service\.result"):
        read_step(PAD, json.dumps({"data": {"state": "finished", "image": large}}))


def test_words_go_where_the_file_puts_them() -> None:
    template = {"a": ["{request}", 1, {"b": "x{prompt}y{prompt}"}], "c": None}
    words = {"request": "r1", "prompt": "{request}"}
    assert filled(template, words) == {"a": ["r1", 1, {"b": "x{request}y{request}"}], "c": None}
    with pytest.raises(KeyError):
        filled("{nobody}", words)


def survives(answer: bytes | str) -> None:
    for mapping in (PAD, FACE):
        try:
            assert isinstance(read_step(mapping, answer), ServiceStep)
        except PeerFault as fault:
            assert fault.code.startswith("service.")


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_no_answer_breaks_it(answer: bytes | str) -> None:
    survives(answer)


KEYS = st.sampled_from(["id", "event", "match", "data"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_no_document_breaks_it(document: object) -> None:
    survives(json.dumps(document))


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:80", "http://127.0.0.1:80"),
        ("http://127.9.9.9:81/", "http://127.9.9.9:81"),
        ("http://localhost:82", "http://127.0.0.1:82"),
        ("http://[::1]:83", "http://[::1]:83"),
    ],
)
def test_this_machine_may_be_asked(url: str, base: str) -> None:
    assert loopback_base(url, "http") == base


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1:80", "http://example.org:80", "http://127.0.0.1.example.org:80", "http://0.0.0.0:80",
        "http://[::ffff:192.0.2.1]:80", "http://2130706433:80", "http://127.1:80", "http://localhost.:80",
        "http://127.0.0.1@192.0.2.1:80", "http://u:p@127.0.0.1:80", "https://127.0.0.1:80", "ws://127.0.0.1:80",
        "http://127.0.0.1", "http://127.0.0.1:99999", "http://127.0.0.1:80/x", "http://127.0.0.1:80?x", "", "127.0.0.1",
        "file:///etc/passwd", "http://[::1", "http://[fe80::1]:80",
    ],
)  # fmt: skip
def test_no_other_machine_may(url: str) -> None:
    with pytest.raises(ValueError, match="not-loopback"):
        loopback_base(url, "http")
