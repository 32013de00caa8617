"""Files and lines that bring lists and messages to the hub: each wrong one ends with a code, and nothing is written."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping

import pytest

from hub.features.imports.mllp import MllpServer
from tests.adapters.bad_input import files
from tests.adapters.bad_input.conftest import Served
from tests.adapters.bad_input.test_every_route import facts_of
from tests.adapters.bad_input.whole_site import LEAKED, MEMORY_BYTES_MAX, memory_bytes, memory_forget

PATIENCE_S = 60.0
TOOK_S_MAX = 10.0
"""For a file that claims forty megabytes of XML; all others end in milliseconds."""
ENDED = frozenset({"done", "refused", "mapping", "stopped"})


@pytest.fixture(autouse=True)
def unharmed(hub: Served) -> Iterator[None]:
    """No fact of any patient, memory in bounds, and a good message is still taken."""
    before, at_first = facts_of(hub), memory_bytes("VmRSS")
    memory_forget()
    yield
    assert facts_of(hub) == before
    assert memory_bytes("VmHWM") - at_first <= 3 * MEMORY_BYTES_MAX, "a list may have 10 MiB, read as cells"
    number, control = f"0098{before % 10_000:04}", f"good-{before}-{time.monotonic_ns()}"
    assert b"MSA|AA" in hub.parts.imports.hl7.answer(files.good_message(number, control))


def end_of(hub: Served, job: str) -> Mapping[str, object]:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        told: Mapping[str, object] = json.loads(hub.ask("GET", f"/api/v1/imports/{job}").data)
        if told["state"] in ENDED:
            return told
        assert time.monotonic() < deadline, told
        time.sleep(0.002)


@pytest.mark.row("A05.10")
@pytest.mark.parametrize("make", [files.lists, files.workbooks, files.messages])
def test_files(hub: Served, make: Callable[[], files.Kinds]) -> None:
    """Brought with the order to write at once."""
    faults: list[str] = []
    kinds = make()
    for name, data in kinds.items():
        began = time.monotonic()
        answer = hub.ask("POST", "/api/v1/imports", data=data, content_type="application/octet-stream")
        if answer.status_code == 202:
            told = end_of(hub, answer.json["job"])
            code = told["code"] or (told["faults"] and "a named line") or (told["state"] == "mapping" and "asks")
            empty = told["state"] == "done" and told["lines"] == 0
            if told["taken"] or told["code"] == "import.incident" or not (code or empty):
                faults.append(f"{name}: {told}")
            hub.ask("POST", f"/api/v1/imports/{answer.json['job']}/stop").close()
        elif not 400 <= answer.status_code < 500 or not answer.json["code"]:
            faults.append(f"{name}: {answer.status_code} {answer.text[:200]}")
        if LEAKED.search(answer.data):
            faults.append(f"{name}: tells what only we may see")
        if time.monotonic() - began > TOOK_S_MAX:
            faults.append(f"{name}: {time.monotonic() - began:.1f} s")
    assert not faults, f"{len(faults)} of {len(kinds)}\n" + "\n".join(faults[:20])
    assert len(kinds) > 60


@pytest.mark.row("A05.10")
def test_messages_on_the_line(hub: Served) -> None:
    """One answer each that takes nothing, and the line goes on."""
    desk = hub.parts.imports.hl7
    server = MllpServer(desk.answer, desk.too_large)
    server.start()
    faults: list[str] = []
    asked = 0
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as line:
            for name, raw in files.framed(files.messages()):
                line.sendall(raw)
                answer = b""
                while not answer.endswith(b"\x1c\r"):
                    more = line.recv(65536)
                    assert more, f"{name}: the line ended"
                    answer += more
                taken = b"MSA|AA" in answer or b"MSA|A" not in answer
                if taken or LEAKED.search(answer) or b"Traceback" in answer:
                    faults.append(f"{name}: {answer[:300]!r}")
                asked += 1
    finally:
        server.stop()
    assert not faults, f"{len(faults)} of {asked}\n" + "\n".join(faults[:20])
    assert server.counts()["messages"] + server.counts()["too_large"] >= asked > 90
