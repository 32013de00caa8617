"""The one program that knows pycups: asked on standard input, answering on standard output, one connection, one thread.

Started by `cups_client` as `python -m hardware.drivers.cups_worker SERVER` (`host:port`, or the path of a socket), and
killed by it when an answer is late. A question is a line of JSON, `{"do": …, "bytes": n, …}`, then n bytes; an answer
is a line of JSON, `{"ok": …}` or `{"fault": code}`. Faults: `gone` (the server or printer cannot be reached), `refused`
(it said no; the IPP status is beside it).

pycups is under GPL-2.0-or-later; nothing else imports it, and nothing else runs in this process.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import pwd
import ssl
import sys
from collections.abc import Callable
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import cups

CONNECT_S = 5.0
ANSWER_BYTES_MAX = 8 * 1024 * 1024
QUEUE = ["printer-state", "printer-state-reasons", "printer-is-accepting-jobs", "device-uri"]
JOB = ["job-id", "job-uuid", "job-name", "job-state", "job-state-reasons"]
PRINTER = ["printer-state", "printer-state-reasons", "printer-is-accepting-jobs", "printer-up-time"]
PRINTER_JOB = ["job-id", "job-name", "job-state", "job-state-reasons", "job-impressions-completed"]
GET_JOBS, GET_PRINTER, CANCEL_JOB = 0x0A, 0x0B, 0x08
SERVER_ERRORS = range(0x0500, 0x0600)
"""IPP status: it cannot now (busy, not accepting, stopping); libcups says 0x0502 of a server that is not there."""


class Server:
    """Each method is one question. A connection that failed is made anew by the next."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._host, self._port = (address, 631) if address.startswith("/") else (host, int(port))
        cups.setUser(user())
        cups.setServer(self._host)
        cups.setPort(self._port)
        self._held: cups.Connection | None = None

    @property
    def _cups(self) -> cups.Connection:
        if self._held is None:
            self._held = cups.Connection(host=self._host, port=self._port)
        return self._held

    def forget(self) -> None:
        self._held = None

    def queue(self, queue: str) -> dict[str, Any]:
        told = self._cups.getPrinterAttributes(queue, requested_attributes=QUEUE)
        return {
            "state": told.get("printer-state", 0),
            "reasons": _several(told.get("printer-state-reasons")),
            "accepting": bool(told.get("printer-is-accepting-jobs", True)),
            "device_uri": told.get("device-uri", ""),
        }

    def make(self, queue: str, name: str, options: dict[str, str], format: str, data: bytes) -> dict[str, Any]:
        """A job with its document, held: nothing can come of it before `free`."""
        number = self._cups.createJob(queue, name, {**options, "job-hold-until": "indefinite"})
        if number <= 0:
            raise RuntimeError("no job")
        self._cups.startDocument(queue, number, name, format, 1)
        for at in range(0, len(data), 65_536):
            piece = data[at : at + 65_536]
            self._cups.writeRequestData(piece, len(piece))
        status = self._cups.finishDocument(queue)
        if status > 0x00FF:
            raise cups.IPPError(status, "document")
        return _job(self._cups.getJobAttributes(number, requested_attributes=JOB))

    def free(self, number: int, uuid: str) -> bool:
        """Let a held job go; False where there is no such job. May be said twice."""
        found = self._find(number, uuid)
        if found is None:
            return False
        if found["state"] == cups.IPP_JOB_HELD:
            self._cups.setJobHoldUntil(number, "no-hold")
        return True

    def job(self, number: int, uuid: str) -> dict[str, Any] | None:
        return self._find(number, uuid)

    def named(self, start: str) -> list[dict[str, Any]]:
        """Every job whose name begins so that the server still knows."""
        jobs = self._cups.getJobs(which_jobs="all", my_jobs=False, requested_attributes=JOB)
        return [
            _job({"job-id": number, **told})
            for number, told in jobs.items()
            if str(told.get("job-name", "")).startswith(start)
        ]

    def cancel(self, number: int, uuid: str) -> bool:
        found = self._find(number, uuid)
        if found is not None and found["state"] < cups.IPP_JOB_CANCELED:
            self._cups.cancelJob(number)
        return found is not None

    def _find(self, number: int, uuid: str) -> dict[str, Any] | None:
        try:
            found = _job(self._cups.getJobAttributes(number, requested_attributes=JOB))
        except cups.IPPError as fault:
            if fault.args[0] == cups.IPP_NOT_FOUND:
                return None
            raise
        return found if found["uuid"] == uuid else None

    def printer(self, uri: str, name: str) -> dict[str, Any]:
        """A printer itself: how it is, since how many seconds it runs, its jobs of that name, oldest first."""
        told = next(iter(_ask(uri, GET_PRINTER, {"requested-attributes": PRINTER})), {})
        jobs: dict[int, dict[str, Any]] = {}
        for which in ("not-completed", "completed") if name else ():
            for job in _ask(uri, GET_JOBS, {"which-jobs": which, "requested-attributes": PRINTER_JOB}):
                if _one(job, "job-name") == name:
                    jobs[_one(job, "job-id")] = {
                        "number": _one(job, "job-id"),
                        "state": _one(job, "job-state"),
                        "reasons": _several(job.get("job-state-reasons")),
                        "sides": _one(job, "job-impressions-completed"),
                    }
        return {
            "state": _one(told, "printer-state") or 0,
            "reasons": _several(told.get("printer-state-reasons")),
            "accepting": _one(told, "printer-is-accepting-jobs") is not False,
            "up_s": _one(told, "printer-up-time") or 0,
            "jobs": [jobs[number] for number in sorted(jobs)],
        }

    def cancel_at_printer(self, uri: str, number: int) -> bool:
        _ask(uri, CANCEL_JOB, {"job-id": number})
        return True


def user() -> str:
    """The print server believes who asks through its socket only when this is the name of the process's user."""
    return pwd.getpwuid(os.getuid()).pw_name


def _job(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": told["job-id"],
        "uuid": told.get("job-uuid", ""),
        "name": told.get("job-name", ""),
        "state": told.get("job-state", 0),
        "reasons": _several(told.get("job-state-reasons")),
    }


def _several(value: Any) -> list[str]:
    values = [value] if isinstance(value, str) else list(value or ())
    return [one for one in values if one != "none"]


def _one(told: dict[str, Any], name: str) -> Any:
    value = told.get(name)
    return value[0] if isinstance(value, list) and value else value


def _ask(uri: str, operation: int, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """One IPP question to a printer; the answer's groups but the first, as name to list of values."""
    at = urlsplit(uri)
    request = cups.IPPRequest(operation)
    plain = f"{at.scheme}://{at.hostname}:{at.port or 631}{at.path or '/ipp/print'}"
    request.add(cups.IPPAttribute(cups.IPP_TAG_OPERATION, cups.IPP_TAG_URI, "printer-uri", plain))
    if isinstance(number := wanted.get("job-id"), int):
        request.add(cups.IPPAttribute(cups.IPP_TAG_OPERATION, cups.IPP_TAG_INTEGER, "job-id", number))
    request.add(cups.IPPAttribute(cups.IPP_TAG_OPERATION, cups.IPP_TAG_NAME, "requesting-user-name", user()))
    for name in ("which-jobs", "requested-attributes"):
        if name in wanted:
            request.add(cups.IPPAttribute(cups.IPP_TAG_OPERATION, cups.IPP_TAG_KEYWORD, name, wanted[name]))
    out = io.BytesIO()
    request.writeIO(out.write)
    answer = cups.IPPRequest()
    answer.readIO(io.BytesIO(_post(at.scheme, at.hostname or "", at.port or 631, at.path, out.getvalue())).read, True)
    groups: list[dict[str, Any]] = []
    group: dict[str, Any] | None = None
    for each in answer.attributes:
        if each.group_tag == cups.IPP_TAG_OPERATION:
            continue
        if each.group_tag == cups.IPP_TAG_ZERO or group is None or each.name in group:
            group = {}
            groups.append(group)
        if each.name:
            group[each.name] = each.values
    if answer.statuscode > 0x00FF:
        raise cups.IPPError(answer.statuscode, "printer")
    return groups


def _post(scheme: str, host: str, port: int, path: str, body: bytes) -> bytes:
    """Printers make their own certificates; what goes over this line are job numbers and counts."""
    line: http.client.HTTPConnection
    if scheme in ("ipps", "https"):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        line = http.client.HTTPSConnection(host, port, timeout=CONNECT_S, context=context)
    else:
        line = http.client.HTTPConnection(host, port, timeout=CONNECT_S)
    try:
        line.request("POST", path or "/ipp/print", body, {"Content-Type": "application/ipp"})
        answer = line.getresponse()
        told = answer.read(ANSWER_BYTES_MAX)
        if answer.status != 200:
            raise OSError(f"status {answer.status}")
        return told
    finally:
        line.close()


def answer(server: Server, asked: dict[str, Any], data: bytes) -> dict[str, Any]:
    do = asked.pop("do")
    if do == "make":
        asked["data"] = data
    call: Callable[..., Any] = getattr(server, do)
    try:
        return {"ok": call(**asked)}
    except cups.IPPError as fault:
        server.forget()
        status = int(fault.args[0])
        return {"fault": "gone" if status in SERVER_ERRORS else "refused", "status": status}
    except (RuntimeError, OSError, http.client.HTTPException, cups.HTTPError):
        server.forget()
        return {"fault": "gone"}


def serve(server: Server, questions: BinaryIO, answers: BinaryIO) -> None:
    """Until the questions end."""
    while line := questions.readline():
        asked = json.loads(line)
        data = questions.read(asked.pop("bytes", 0))
        told = answer(server, asked, data)
        try:
            answers.write(json.dumps(told).encode() + b"\n")
            answers.flush()
        except BrokenPipeError:
            os._exit(1)  # whoever asked is gone; nothing is left to say, at the interpreter's end neither


if __name__ == "__main__":
    serve(Server(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer)
