"""The MLLP port on a real socket, with the client of another HL7 library as the sender. All people are invented."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import hl7
import pytest
from hl7.client import MLLPClient

from hub.features.imports.hl7_answer import answer
from hub.features.imports.hl7_message import Heard, Hl7Fault, decode_message
from hub.features.imports.hl7_reader import read_adt
from hub.features.imports.mllp import MllpLimits, MllpServer
from hub.features.imports.mllp_frames import frame
from sync.kernel.outcome import Unavailable
from tests.waiting import until

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
DEADLINE_S = 20.0
GOOD = (
    "MSH|^~\\&|HIS|HOSP|WAY|HUB|20261117||ADT^A03|{id}|P|2.5\rEVN|A03|20261117103000\r"
    "PID|1||00123456||{name}\rPV1|1|I|W01\r"
)


class Taker:
    """Reads what arrives and answers as the service will."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.lock = threading.Lock()

    def handle(self, raw: bytes) -> bytes:
        heard: Heard | None = None
        try:
            heard = decode_message(raw)
            event = read_adt(heard.text, 480)
        except Hl7Fault as fault:
            return answer(heard, fault, control_id="W", now=NOW)
        with self.lock:
            self.taken.append(event.name)
        return answer(heard, None, control_id="W", now=NOW)

    def refuse(self, head: bytes) -> bytes:
        heard = Heard(head.decode("ascii", "replace"), "utf-8")
        return answer(heard, Hl7Fault("AR", "hl7.too-large", 207), control_id="W", now=NOW)


@contextlib.contextmanager
def serving(
    handler: Callable[[bytes], bytes], refuse: Callable[[bytes], bytes], limits: MllpLimits | None = None
) -> Iterator[MllpServer]:
    server = MllpServer(handler, refuse, limits=limits)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def line_to(server: MllpServer) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_S) as line:
        yield line


def read_until(line: socket.socket, end: bytes = b"\x1c\r") -> bytes:
    got = b""
    while not got.endswith(end) and (data := line.recv(65536)):
        got += data
    return got


@pytest.mark.row("A05.8")
def test_another_librarys_client_delivers_many_messages_on_one_line():
    taker = Taker()
    with serving(taker.handle, taker.refuse) as server:
        with MLLPClient("127.0.0.1", server.port) as client:
            for number in range(50):
                told = client.send_message(GOOD.format(id=number, name="张三"))
                got = hl7.parse(told.strip(b"\x0b\x1c\r"))
                assert [str(got.segment("MSA")(i)) for i in (1, 2)] == ["AA", str(number)]
        with MLLPClient("127.0.0.1", server.port, encoding="gb18030") as client:
            client.send_message(GOOD.format(id="x", name="張倈"))
        assert taker.taken == ["张三"] * 50 + ["張倈"]
        assert server.counts()["messages"] == 51


def test_senders_work_side_by_side():
    taker = Taker()

    def deliver(port: int, who: int) -> None:
        with MLLPClient("127.0.0.1", port) as client:
            for number in range(20):
                assert b"MSA|AA" in client.send_message(GOOD.format(id=f"{who}-{number}", name="张三"))

    with serving(taker.handle, taker.refuse) as server:
        threads = [threading.Thread(target=deliver, args=(server.port, who)) for who in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE_S)
        assert len(taker.taken) == 120


def test_noise_bad_messages_and_slow_bytes_do_not_cost_the_line():
    taker = Taker()
    with serving(taker.handle, taker.refuse) as server, line_to(server) as line:
        line.sendall(b"GET / HTTP/1.1\r\n\r\n\x1c\r")
        line.sendall(frame(b"\xff\xff"))
        assert b"\rMSA|AR||hl7.encoding" in read_until(line)
        line.sendall(frame(b"MSH|^~\\&|HIS||||||ORU^R01|7|P|2.5"))
        assert b"\rMSA|AR|7|hl7.type-unsupported" in read_until(line)
        for byte in frame(GOOD.format(id="8", name="李四").encode()):
            line.sendall(bytes([byte]))
        assert b"\rMSA|AA|8" in read_until(line)
    assert taker.taken == ["李四"]


def test_two_messages_in_one_piece_get_two_answers_in_order():
    taker = Taker()
    with serving(taker.handle, taker.refuse) as server, line_to(server) as line:
        line.sendall(
            frame(GOOD.format(id="1", name="张三").encode()) + frame(GOOD.format(id="2", name="张三").encode())
        )
        got = b""
        while got.count(b"\x1c\r") < 2:
            got += read_until(line)
        assert got.index(b"MSA|AA|1") < got.index(b"MSA|AA|2")


@pytest.mark.row("A05.10")
def test_ten_megabytes_are_refused_with_the_senders_id_and_the_line_goes_on():
    taker = Taker()
    with serving(taker.handle, taker.refuse) as server, line_to(server) as line:
        head = b"MSH|^~\\&|HIS|HOSP|WAY|HUB|20261117||ADT^A03|BIG|P|2.5\r"
        line.sendall(b"\x0b" + head + b"x" * (10 * 1024 * 1024) + b"\x1c\r")
        assert b"\rMSA|AR|BIG|hl7.too-large" in read_until(line)
        line.sendall(frame(GOOD.format(id="9", name="李四").encode()))
        assert b"\rMSA|AA|9" in read_until(line)
        assert server.counts()["too_large"] == 1


def test_an_endless_message_ends_with_the_line():
    taker = Taker()
    limits = MllpLimits(message_bytes=1000, skip_bytes=100_000)
    with serving(taker.handle, taker.refuse, limits) as server, line_to(server) as line:
        line.sendall(b"\x0b")
        with pytest.raises(OSError):
            for _ in range(10_000):
                line.sendall(b"x" * 65536)
        assert server.counts()["too_large"] == 1


@pytest.mark.parametrize(
    ("sent", "limits"),
    [
        (b"\x0bMSH|^~", MllpLimits(frame_s=0.2)),
        (b"", MllpLimits(idle_s=0.2)),
        (b"noise", MllpLimits(idle_s=0.2)),
    ],
    ids=["half a message", "silence", "noise"],
)
def test_slow_peers_lose_their_line(sent, limits):
    taker = Taker()
    with serving(taker.handle, taker.refuse, limits) as server, line_to(server) as line:
        line.sendall(sent)
        assert line.recv(100) == b""
        until(lambda: server.counts().get("too_slow") == 1)
    assert taker.taken == []


def test_a_drip_of_bytes_does_not_stretch_the_time_for_a_message():
    taker = Taker()
    with serving(taker.handle, taker.refuse, MllpLimits(frame_s=0.3)) as server, line_to(server) as line:
        line.sendall(b"\x0b")

        def one_more_byte() -> bool:
            with contextlib.suppress(OSError):
                line.sendall(b"x")
            return server.counts().get("too_slow") == 1

        until(one_more_byte)
        assert "messages" not in server.counts()


def test_without_an_answer_the_sender_delivers_again():
    tries: list[bytes] = []

    def handle(raw: bytes) -> bytes:
        tries.append(raw)
        if len(tries) == 1:
            raise Unavailable("store.busy")
        return answer(decode_message(raw), None, control_id="W", now=NOW)

    with serving(handle, lambda head: b"") as server:
        with line_to(server) as line:
            line.sendall(frame(b"MSH|^~\\&|A"))
            assert line.recv(100) == b""
        with line_to(server) as line:
            line.sendall(frame(b"MSH|^~\\&|A"))
            assert b"MSA|AA" in read_until(line)
        assert server.counts()["unanswered"] == 1


def test_a_sender_that_resets_its_line_harms_nobody():
    taker = Taker()
    with serving(taker.handle, taker.refuse) as server:
        for _ in range(5):
            with line_to(server) as line:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                line.sendall(b"\x0bMSH|")
        with MLLPClient("127.0.0.1", server.port) as client:
            assert b"MSA|AA" in client.send_message(GOOD.format(id="1", name="张三"))


def test_more_senders_than_lines_are_turned_away():
    taker = Taker()
    with serving(taker.handle, taker.refuse, MllpLimits(connections=2)) as server, contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(line_to(server))
        until(lambda: server.counts().get("connections") == 2)
        third = stack.enter_context(line_to(server))
        assert third.recv(10) == b""
        assert server.counts()["turned_away"] == 1


def test_stopping_answers_what_is_being_handled_and_frees_the_port():
    begun, go_on = threading.Event(), threading.Event()

    def handle(raw: bytes) -> bytes:
        begun.set()
        assert go_on.wait(DEADLINE_S)
        return b"MSH|done"

    server = MllpServer(handle, lambda head: b"")
    server.start()
    port = server.port
    with line_to(server) as line:
        line.sendall(frame(b"MSH|^~\\&|A"))
        assert begun.wait(DEADLINE_S)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        go_on.set()
        assert read_until(line) == frame(b"MSH|done")
        stopping.join(DEADLINE_S)
        assert not stopping.is_alive()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
    server.stop()
