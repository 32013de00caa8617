"""Signature pad and face terminal over their vendor's service: HTTP and WebSocket, well and badly behaved."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hardware.codecs.service_mapping import MASKED_IMAGE, ServiceMapping, read_mapping
from hardware.drivers.recording_file import RecordingFile
from hardware.drivers.vendor_service import ServiceOutcome, VendorService
from hardware.profiles import services
from hardware.twins.recorded_service import RecordedService
from hardware.twins.vendor_service import VendorServiceTwin
from sync.kernel.outcome import Unavailable

PATIENCE_S = 30.0
PNG = b"\x89PNG a signature"
WORDS = {"request": "r1", "prompt": "Please sign"}
FACE_BY_HTTP = """
kind = "face-terminal"
line = "http"
title_zh = "门"
title_en = "gate"
url = "http://127.0.0.1:1"
session_field = "data.session"
state_field = "data.state"
result_field = "data.match"
passed = [true]
poll_every_s = 0.05
[start]
path = "/api/v2/face/start"
[poll]
method = "GET"
path = "/api/v2/face/result/{session}"
[states]
waiting = ["ready"]
done = ["finished"]
cancelled = ["cancelled"]
failed = ["error"]
[checklist]
"""
SIGN_BY_SOCKET = """
kind = "signature-pad"
line = "websocket"
title_zh = "笔"
title_en = "pad"
url = "ws://127.0.0.1:1"
session_field = "id"
state_field = "event"
result_field = "image"
encoding = "base64"
[start]
body = { cmd = "start", what = "sign" }
[cancel]
body = { cmd = "cancel", what = "sign", id = "{session}" }
[states]
waiting = ["accepted"]
done = ["result"]
cancelled = ["cancelled"]
failed = ["error"]
[checklist]
"""
MAPPINGS = {
    "sign-http": replace(services.load("inkwell-pad"), poll_every_s=0.05),
    "face-socket": services.load("gatehouse-face"),
    "face-http": read_mapping("face-http", FACE_BY_HTTP),
    "sign-socket": read_mapping("sign-socket", SIGN_BY_SOCKET),
}


@pytest.fixture
def twin() -> Iterator[VendorServiceTwin]:
    made = VendorServiceTwin()
    made.start()
    yield made
    made.close()


def service(twin: VendorServiceTwin, name: str, **changed: Any) -> VendorService:
    mapping: ServiceMapping = replace(MAPPINGS[name], **changed)
    return VendorService(mapping, twin.http_url if mapping.line == "http" else twin.socket_url)


class Asked:
    """One request under way in a thread of its own."""

    def __init__(self, asked: VendorService) -> None:
        self.outcomes: list[ServiceOutcome | Unavailable] = []
        self._thread = threading.Thread(target=self._run, args=(asked,))
        self._thread.start()

    def _run(self, asked: VendorService) -> None:
        try:
            self.outcomes.append(asked.ask(WORDS))
        except Unavailable as fault:
            self.outcomes.append(fault)

    def outcome(self) -> ServiceOutcome | Unavailable:
        self._thread.join(PATIENCE_S)
        (found,) = self.outcomes
        return found


@pytest.mark.parametrize("name", sorted(MAPPINGS))
def test_a_person_signs_or_is_looked_at(twin: VendorServiceTwin, name: str) -> None:
    asked = Asked(service(twin, name))
    twin.wait_session()
    if name.startswith("sign"):
        twin.sign(PNG)
        assert asked.outcome() == ServiceOutcome("done", image=PNG)
    else:
        twin.look(True)
        assert asked.outcome() == ServiceOutcome("done", passed=True)
    assert repr(PNG) not in repr(asked.outcomes)


@pytest.mark.parametrize("name", ["face-http", "face-socket"])
def test_another_face_is_a_verdict_too(twin: VendorServiceTwin, name: str) -> None:
    asked = Asked(service(twin, name))
    twin.wait_session()
    twin.look(False)
    assert asked.outcome() == ServiceOutcome("done", passed=False)


@pytest.mark.parametrize("name", sorted(MAPPINGS))
@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        ("there", ServiceOutcome("cancelled", "service.cancelled-there")),
        ("here", ServiceOutcome("cancelled", "service.cancelled")),
    ],
)
def test_either_side_may_end_it(twin: VendorServiceTwin, name: str, end: str, outcome: ServiceOutcome) -> None:
    mine = service(twin, name)
    asked = Asked(mine)
    twin.wait_session()
    acts: dict[str, Callable[[], None]] = {"there": twin.walk_away, "here": mine.cancel}
    acts[end]()
    assert asked.outcome() == outcome
    if end == "here" and mine.mapping.cancel is not None:
        assert twin.wait_asked("sign" if name.startswith("sign") else "face", "cancel")


@pytest.mark.parametrize("name", sorted(MAPPINGS))
def test_a_person_who_does_nothing_meets_the_deadline(twin: VendorServiceTwin, name: str) -> None:
    assert Asked(service(twin, name, deadline_s=0.3)).outcome() == ServiceOutcome("expired", "service.deadline")


FAULTS = {
    "silence": "service.silent",
    "garbage": "service.answer",
    "unknown-state": "service.state",
    "huge": "service.answer",
    "error": "service.failed",
    "redirect": "service.status",
    "error-status": "service.status",
}
MET = [
    (name, fault)
    for name, mapping in sorted(MAPPINGS.items())
    for fault, code in FAULTS.items()
    if mapping.line == "http" or code != "service.status"  # a socket has no status line
]


@pytest.mark.parametrize(("name", "fault"), MET)
def test_a_service_that_misbehaves_is_an_outcome(twin: VendorServiceTwin, name: str, fault: Any) -> None:
    twin.fault = fault
    began_s = time.monotonic()
    found = Asked(service(twin, name, answer_s=0.5)).outcome()
    assert found == ServiceOutcome("failed", FAULTS[fault])
    assert time.monotonic() - began_s < PATIENCE_S


@pytest.mark.parametrize("name", sorted(MAPPINGS))
def test_nobody_at_the_address_is_unavailable(name: str) -> None:
    twin = VendorServiceTwin()
    twin.start()
    gone = service(twin, name)
    twin.close()
    found = Asked(gone).outcome()
    assert isinstance(found, Unavailable) and found.code == "device.gone"


def test_one_person_at_a_time(twin: VendorServiceTwin) -> None:
    mine = service(twin, "sign-http")
    first = Asked(mine)
    twin.wait_session()
    with pytest.raises(Unavailable, match=r"device\.busy"):
        mine.ask(WORDS)
    twin.sign(PNG)
    assert first.outcome() == ServiceOutcome("done", image=PNG)


@pytest.mark.parametrize("name", sorted(MAPPINGS))
def test_another_machine_is_refused(name: str) -> None:
    scheme = "http" if MAPPINGS[name].line == "http" else "ws"
    with pytest.raises(ValueError, match="not-loopback"):
        VendorService(MAPPINGS[name], f"{scheme}://192.0.2.1:80")


@pytest.mark.parametrize("name", sorted(MAPPINGS))
@pytest.mark.parametrize("end", ["done", "cancelled there", "fault"])
def test_a_recording_is_of_nobody_and_plays_again(twin: VendorServiceTwin, tmp_path: Path, name: str, end: str) -> None:
    path, mapping = tmp_path / "service.jsonl", MAPPINGS[name]
    file = RecordingFile(path, time.monotonic)
    url = twin.http_url if mapping.line == "http" else twin.socket_url
    if end == "fault":
        twin.fault = "garbage"
    asked = Asked(VendorService(mapping, url, record=file.add))
    if end != "fault":
        twin.wait_session()
        finish: Callable[[], None] = partial(twin.sign, PNG) if name.startswith("sign") else partial(twin.look, True)
        (finish if end == "done" else twin.walk_away)()
    live = asked.outcome()
    file.close()
    assert isinstance(live, ServiceOutcome)
    held = path.read_text()
    assert "asked" in held and not any(word in held for word in ("signature", 'face"', "iVBOR", "Please", "AAAA"))

    again = RecordedService(mapping, path)
    played = Asked(VendorService(mapping, again.start())).outcome()
    again.close()
    assert isinstance(played, ServiceOutcome)
    # A fault of another kind may come back: what was garbled is not kept.
    assert (played.state, played.passed) == (live.state, live.passed)
    assert played.image == (MASKED_IMAGE if live.image else b"")
