"""The line's modes, each on real sockets: what the demo shows is only as honest as this."""

from __future__ import annotations

import contextlib
import fcntl
import queue
import socket
import struct
import termios
import threading
import time
from collections.abc import Iterator

import pytest

from provisioning.demo.relay import LineSpec, Relay, Trouble
from tests.waiting import until

PATIENCE_S = 20.0
LINE = "courier-1"


class Far:
    """The hub's side: takes connections and hands them to the test."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = ("127.0.0.1", int(self._listener.getsockname()[1]))
        self._arrived: queue.Queue[socket.socket] = queue.Queue()
        self._opened: list[socket.socket] = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.settimeout(PATIENCE_S)
                self._opened.append(connection)
                self._arrived.put(connection)

    def next(self) -> socket.socket:
        return self._arrived.get(timeout=PATIENCE_S)

    @property
    def none_arrived(self) -> bool:
        return self._arrived.empty()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._opened:
            connection.close()


@pytest.fixture
def far() -> Iterator[Far]:
    made = Far()
    yield made
    made.close()


@pytest.fixture
def relay(far: Far) -> Iterator[Relay]:
    trouble = Trouble(slow_s=(0.4, 0.6), stall_share=0.3, stall_s=(0.01, 0.05), reset_share=0.05)
    with Relay([LineSpec(LINE, {"mqtt": far.address}), LineSpec("other", {"mqtt": far.address})], trouble=trouble) as r:
        yield r


def near(relay: Relay, line: str = LINE) -> socket.socket:
    return socket.create_connection(("127.0.0.1", relay.port(line, "mqtt")), timeout=PATIENCE_S)


def pair(relay: Relay, far: Far, line: str = LINE) -> tuple[socket.socket, socket.socket]:
    """A living connection, proven by a byte each way."""
    one = near(relay, line)
    two = far.next()
    one.sendall(b"?")
    assert two.recv(1) == b"?"
    two.sendall(b"!")
    assert one.recv(1) == b"!"
    return one, two


def take(line: socket.socket, n: int) -> bytes:
    got = b""
    while len(got) < n:
        more = line.recv(65536)
        assert more, "ended early"
        got += more
    return got


def was_reset(line: socket.socket) -> bool:
    try:
        while line.recv(65536):
            pass
    except ConnectionResetError:
        return True
    return False


def test_up_carries_everything_both_ways_and_counts(relay: Relay, far: Far) -> None:
    one, two = pair(relay, far)
    sent = bytes(range(256)) * 4096
    sender = threading.Thread(target=one.sendall, args=(sent,))
    sender.start()
    assert take(two, len(sent)) == sent
    sender.join()
    two.sendall(sent[:1000])
    assert take(one, 1000) == sent[:1000]
    until(lambda: relay.line(LINE).bytes_down == 1001)
    assert relay.line(LINE).bytes_up == len(sent) + 1
    assert relay.line("other").bytes_up == 0


def test_up_passes_on_a_half_closed_end(relay: Relay, far: Far) -> None:
    one, two = pair(relay, far)
    one.shutdown(socket.SHUT_WR)
    assert two.recv(1) == b""
    two.sendall(b"last words")
    two.close()
    assert take(one, 10) == b"last words"
    assert one.recv(1) == b""
    until(lambda: relay.line(LINE).open == 0)


def test_up_passes_on_that_the_other_side_is_down(relay: Relay, far: Far) -> None:
    far.close()
    with contextlib.suppress(ConnectionResetError):  # so quick that connecting itself may see it
        assert was_reset(near(relay))
    until(lambda: relay.line(LINE).resets == 1)


def test_slow_holds_each_way_and_keeps_order(relay: Relay, far: Far) -> None:
    one, two = pair(relay, far)
    relay.set_mode(LINE, "slow")
    began = time.monotonic()
    for n in range(20):
        one.sendall(bytes([n]))
    assert take(two, 20) == bytes(range(20))
    assert time.monotonic() - began >= 0.4
    began = time.monotonic()
    two.sendall(b"back")
    assert take(one, 4) == b"back"
    assert time.monotonic() - began >= 0.4


def test_slow_to_up_lets_go_at_once(far: Far) -> None:
    with Relay([LineSpec(LINE, {"mqtt": far.address})], trouble=Trouble(slow_s=(600, 600))) as relay:
        one, two = pair(relay, far)
        relay.set_mode(LINE, "slow")
        one.sendall(b"waits")
        until(lambda: relay.line(LINE).bytes_up == 1)
        relay.set_mode(LINE, "up")
        assert take(two, 5) == b"waits"


def test_silent_keeps_the_connection_and_forwards_nothing(relay: Relay, far: Far) -> None:
    one, two = pair(relay, far)
    relay.set_mode(LINE, "silent")
    one.sendall(b"into the void")
    two.sendall(b"and back")
    until(lambda: relay.line(LINE).dropped_up == 13 and relay.line(LINE).dropped_down == 8)
    for side in (one, two):
        side.settimeout(0.2)
        with pytest.raises(TimeoutError):
            side.recv(1)
        side.settimeout(PATIENCE_S)
    relay.set_mode(LINE, "up")
    assert was_reset(one)
    assert was_reset(two), "a stream with a hole in it never goes on"


def test_silent_drops_what_slow_held(far: Far) -> None:
    with Relay([LineSpec(LINE, {"mqtt": far.address})], trouble=Trouble(slow_s=(600, 600))) as relay:
        one, two = pair(relay, far)
        relay.set_mode(LINE, "slow")
        one.sendall(b"held")
        assert_held(relay, one)
        relay.set_mode(LINE, "silent")
        assert relay.line(LINE).dropped_up == 4
        relay.set_mode(LINE, "up")
        assert was_reset(two)


def assert_held(relay: Relay, one: socket.socket) -> None:
    """The relay has read what was sent: the kernel's queue of `one` is empty, and the relay's loop went round."""

    def unsent() -> int:
        return struct.unpack("i", fcntl.ioctl(one, termios.TIOCOUTQ, b"\0\0\0\0"))[0]

    until(lambda: unsent() == 0)
    relay.lines()
    relay.lines()


def test_a_connection_that_lost_nothing_outlives_the_silence(relay: Relay, far: Far) -> None:
    one, two = pair(relay, far)
    relay.set_mode(LINE, "silent")
    relay.set_mode(LINE, "up")
    one.sendall(b"still here")
    assert take(two, 10) == b"still here"


def test_silent_accepts_and_the_hub_hears_nothing(relay: Relay, far: Far) -> None:
    relay.set_mode(LINE, "silent")
    talker, listener = near(relay), near(relay)
    talker.sendall(b"hello")
    until(lambda: relay.line(LINE).dropped_up == 5)
    assert far.none_arrived
    relay.set_mode(LINE, "up")
    assert was_reset(talker)
    two = far.next()
    listener.sendall(b"late but whole")
    assert take(two, 14) == b"late but whole"


def test_who_gives_up_in_the_silence_leaves_nothing_behind(relay: Relay, far: Far) -> None:
    relay.set_mode(LINE, "silent")
    for _ in range(20):
        near(relay).close()
    until(lambda: relay.line(LINE).accepted == 20 and relay.line(LINE).open == 0)
    assert far.none_arrived


def test_a_hub_that_nobody_tells_keeps_its_end(relay: Relay, far: Far) -> None:
    one, two = pair(relay, far)
    relay.set_mode(LINE, "silent")
    one.close()
    two.settimeout(0.2)
    with pytest.raises(TimeoutError):
        two.recv(1)
    two.settimeout(PATIENCE_S)
    relay.set_mode(LINE, "up")
    assert was_reset(two)


def test_refused_refuses_and_resets_and_keeps_its_port(relay: Relay, far: Far) -> None:
    one, two = pair(relay, far)
    port = relay.port(LINE, "mqtt")
    relay.set_mode(LINE, "refused")
    assert was_reset(one)
    assert was_reset(two)
    with pytest.raises(ConnectionRefusedError):
        near(relay)
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            thief.bind(("127.0.0.1", port))
    relay.set_mode(LINE, "up")
    assert relay.port(LINE, "mqtt") == port
    pair(relay, far)


def test_half_cut_delivers_and_brings_no_answer(relay: Relay, far: Far) -> None:
    one, two = pair(relay, far)
    relay.set_mode(LINE, "half-cut")
    one.sendall(b"arrives")
    assert take(two, 7) == b"arrives"
    two.sendall(b"lost")
    until(lambda: relay.line(LINE).dropped_down == 4)
    one.settimeout(0.2)
    with pytest.raises(TimeoutError):
        one.recv(1)
    one.settimeout(PATIENCE_S)
    relay.set_mode(LINE, "up")
    assert was_reset(one)


def test_lossy_stalls_and_resets_but_never_garbles(relay: Relay, far: Far) -> None:
    relay.set_mode(LINE, "lossy")
    resets = 0
    for _ in range(25):
        one = near(relay)
        two = far.next()
        wanted = got = b""
        try:
            for n in range(20):
                one.sendall(bytes([n]) * 10)
                wanted += bytes([n]) * 10
                got += take(two, 10)
        except ConnectionResetError:
            resets += 1
        assert wanted.startswith(got)
        one.close()
    assert 0 < resets < 25
    assert relay.line(LINE).resets >= resets


def test_lines_do_not_share_their_fate(relay: Relay, far: Far) -> None:
    relay.set_mode(LINE, "refused")
    pair(relay, far, "other")


def test_every_mode_follows_every_other(relay: Relay, far: Far) -> None:
    modes = ("up", "slow", "lossy", "refused", "silent", "half-cut")
    for before in modes:
        for after in modes:
            relay.set_mode(LINE, before)
            with contextlib.suppress(OSError):
                near(relay).close()
            assert relay.set_mode(LINE, after).mode == after
    relay.set_mode(LINE, "up")

    def all_ended() -> bool:
        while not far.none_arrived:  # some arrive late, with their near end long gone
            far.next().close()
        return relay.line(LINE).open == 0

    until(all_ended)
    one = near(relay)
    one.sendall(b"?")
    while not _brought(far.next(), b"?"):
        pass


def _brought(line: socket.socket, wanted: bytes) -> bool:
    try:
        return line.recv(len(wanted)) == wanted
    except ConnectionError:
        return False
