"""The hospital's system as the demo plays it: ADT messages over MLLP, one answer each."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from datetime import datetime

from provisioning.demo.town import Discharge
from sync.kernel.outcome import Unavailable

ANSWER_S = 10.0
START, END = b"\x0b", b"\x1c\r"


def admission(row: Discharge, control: str, now: datetime) -> str:
    """An A01 for a patient who is still in house."""
    at = now.strftime("%Y%m%d%H%M%S")
    since = row.admitted_on.strftime("%Y%m%d") + "080000"
    family, _, given = row.name.partition(" ")
    name = f"{family}^{given}" if given else row.name
    return (
        f"MSH|^~\\&|HIS|DEMO|WAY|HUB|{at}||ADT^A01|{control}|P|2.5|||||CHN|UNICODE UTF-8\r"
        f"EVN|A01|{at}\r"
        f"PID|1||{row.record_no}^^^^MR||{name}|||{row.sex}\r"
        f"PV1|1|I|{row.ward}{'|' * 16}{row.stay_no}{'|' * 25}{since}\r"
    )


def send(port: int, messages: Iterable[str]) -> int:
    """Send one message after the other; returns how many were accepted (AA). Raises Unavailable when nobody answers."""
    taken = 0
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S) as line:
            for message in messages:
                line.sendall(START + message.encode() + END)
                heard = b""
                while not heard.endswith(END):
                    more = line.recv(4096)
                    if not more:
                        raise Unavailable("hl7.closed", 1.0)
                    heard += more
                taken += b"MSA|AA" in heard
    except OSError as fault:
        raise Unavailable("hl7.unreachable", 1.0) from fault
    return taken
