"""People of an invented hospital at their screens: each acts by the API that its page stands on."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioning.demo import town
from provisioning.demo.courier import Courier
from provisioning.demo.stage import Stage, wait_for
from provisioning.making.client import HubClient
from sync.kernel.outcome import Unavailable

ROOT = Path(__file__).parents[2]
WITHIN_S = 60.0
PASSWORD = "invented password"
STAFF = {person.user: person for person in town.people()}


@dataclass
class Site:
    """A running hospital and those who work in it."""

    stage: Stage
    admin: HubClient
    auditor: HubClient
    clerk: HubClient
    first: Courier
    second: Courier

    def sign_in_again(self) -> None:
        """After a start of the hub: its addresses are as before, and so are the people."""
        self.admin.sign_in({"user": "u-admin", "password": self.stage.password})
        for client, user in ((self.auditor, "u-lu"), (self.clerk, "u-wen")):
            client.sign_in({"user": user, "password": PASSWORD})

    def room(self) -> HubClient:
        """The records room's own box, with the clerk signed in."""
        client = HubClient(self.stage.station("records-room").base_url)
        wait_for(lambda: signs_in(client, "u-wen"), WITHIN_S, "the clerk at the counter")
        return client

    def hl7(self, event: str, control: str, at: str, number: str, stay: str = "1", ward: str = "W01",
            more: str = "") -> bytes:  # fmt: skip
        """Say one ADT message over MLLP, as the hospital's system would; the answer."""
        text = (
            f"MSH|^~\\&|HIS|QL|WAY|QL|{at}||ADT^{event}|{control}|P|2.5||||||UNICODE UTF-8\r"
            f"EVN|{event}|{at}\rPID|1||{number}||单^雄信||19700101|M\r"
        )
        text += more or f"PV1|1|I|{ward}||||||||||||||||{stay}\r"
        with socket.create_connection(("127.0.0.1", int(self.stage.hub_state["mllp_port"])), 30) as line:
            line.sendall(b"\x0b" + text.encode() + b"\x1c\r")
            heard = b""
            while not heard.endswith(b"\x1c\r"):
                part = line.recv(4096)
                assert part, "the line ended before the answer"
                heard += part
        return heard

    def bring(self, *lines: str) -> dict[str, Any]:
        """Import a list of CSV lines to its end; what the job says."""
        head = "病案号,住院次数,姓名,性别,病区,入院日期,出院日期"
        data = "\n".join([head, *lines, ""]).encode()
        job = self.clerk.post("/api/v1/imports", data=data, content_type="text/csv")["job"]
        told: dict[str, Any] = {}

        def done() -> bool:
            told.update(self.clerk.get(f"/api/v1/imports/{job}"))
            return told["state"] == "done"

        wait_for(done, WITHIN_S, "the list")
        return told

    def knows(self, number: str) -> bool:
        """Whether the hub has a record of this number yet; what it takes in it shows a moment later."""
        return len(self.clerk.get("/api/v1/records", q=number)["records"]) == 1

    def record(self, number: str, stay: str | None = None) -> dict[str, Any]:
        """What the hub shows of a record: its row, stations, log."""
        found = self.clerk.get("/api/v1/records", q=number)["records"]
        rows = [row for row in found if stay is None or row["stay_no"] == stay]
        assert len(rows) == 1, f"{len(rows)} records"
        return dict(self.clerk.get(f"/api/v1/records/{rows[0]['key']}"))


def signs_in(client: HubClient, user: str) -> bool:
    try:
        client.sign_in({"badge": STAFF[user].badge, "pin": STAFF[user].pin})
    except Unavailable:
        return False
    return True


def due_row(courier: Courier, ward: str, key: str) -> dict[str, Any] | None:
    return next((row for row in courier.due(ward) if row["key"] == key), None)


def until(done: Callable[[], bool], what: str) -> None:
    wait_for(done, WITHIN_S, what)


def refused_with(ask: Callable[[], Any]) -> str:
    """The code with which something is refused."""
    try:
        ask()
    except Unavailable as no:
        return no.code
    return ""


def shell(*words: str) -> tuple[int, dict[str, Any]]:
    """`waystation …words --json` in a process of its own: exit code and document."""
    done = subprocess.run(
        [sys.executable, "-c", "from provisioning.cli import main; main()", *words, "--json"],
        capture_output=True, check=False, timeout=300, cwd=ROOT,
    )  # fmt: skip
    return done.returncode, dict(json.loads(done.stdout or b'{"error": "silent"}'))
