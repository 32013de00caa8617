"""Habits of the MQTT library that a crowd of machines meets."""

from __future__ import annotations

import resource
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
from paho.mqtt.enums import MQTTErrorCode

from sync.adapters.mqtt_link import hang_up, new_client


@pytest.fixture
def many_descriptors() -> Iterator[list[socket.socket]]:
    """More descriptors than select() takes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    held: list[socket.socket] = []
    while not held or held[-1].fileno() < 1100:
        held.append(socket.socket())
    yield held
    for each in held:
        each.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_line_with_a_high_number_is_heard(many_descriptors: list[socket.socket]) -> None:
    near, far = socket.socketpair()
    with near, far:
        assert near.fileno() > 1023
        client = new_client("courier-a3k7q2xw", ssl.create_default_context(), queue_max=1)
        heard: list[bytes] = []
        client._sock = near
        client.loop_read = lambda max_packets=1: heard.append(near.recv(10)) or MQTTErrorCode.MQTT_ERR_SUCCESS  # type: ignore[func-returns-value, method-assign]
        far.send(b"hello")
        assert client._loop(1.0) == MQTTErrorCode.MQTT_ERR_SUCCESS
        assert heard == [b"hello"]
        client._sock = None


def test_a_client_whose_loop_is_just_starting_can_be_ended() -> None:
    client = new_client("courier-a3k7q2xw", ssl.create_default_context(), queue_max=1)
    client._thread = threading.Thread(target=lambda: None)
    hang_up(client)


def test_what_was_read_ahead_is_taken_though_the_line_is_silent() -> None:
    near, far = socket.socketpair()
    with near, far:
        client = new_client("courier-a3k7q2xw", ssl.create_default_context(), queue_max=1)
        client._sock = near
        near.setblocking(False)
        far.send(b"abcdef")
        assert (client._sock_recv(1), client._sock_recv(2)) == (b"a", b"bc")
        taken: list[bytes] = []
        client.loop_read = lambda max_packets=1: taken.append(client._sock_recv(3)) or MQTTErrorCode.MQTT_ERR_SUCCESS  # type: ignore[func-returns-value, method-assign]
        assert client._loop(5.0) == MQTTErrorCode.MQTT_ERR_SUCCESS
        assert taken == [b"def"]
        with pytest.raises(BlockingIOError):
            client._sock_recv(1)
        far.close()
        assert client._sock_recv(1) == b"", "the far end hung up"
        client._sock = None


def test_a_call_that_is_hung_up_in_the_middle_ends_as_a_line_that_failed() -> None:
    client = new_client("courier-a3k7q2xw", ssl.create_default_context(), queue_max=1)
    with pytest.raises(OSError):
        client.on_socket_open(client, None, None)  # type: ignore[misc, arg-type]


def packet(command: int, body: bytes) -> bytes:
    assert len(body) < 128
    return bytes((command, len(body))) + body


TOPIC = b"\x00\x05way/1"


@pytest.mark.parametrize(
    ("sent", "told", "receipt"),
    [
        (packet(0x32, TOPIC + b"\x00\x07" + b"\x00" + b"a fact"), (7, 1, False, b"a fact"), b"\x40\x02\x00\x07"),
        (packet(0x33, TOPIC + b"\x01\x07" + b"\x00" + b"kept"), (263, 1, True, b"kept"), b"\x40\x02\x01\x07"),
        (packet(0x30, TOPIC + b"\x00" + b"once"), (0, 0, False, b"once"), b""),
        (packet(0x31, TOPIC + b"\x00"), (0, 0, True, b""), b""),
        # A property (a message's format), which only the library reads.
        (packet(0x32, TOPIC + b"\x00\x07" + b"\x02\x01\x01" + b"text"), (7, 1, False, b"text"), b"\x40\x02\x00\x07"),
        (packet(0x30, TOPIC + b"\x02\x01\x01" + b"text"), (0, 0, False, b"text"), b""),
    ],
)
def test_a_message_is_read_as_the_library_reads_it(
    sent: bytes, told: tuple[int, int, bool, bytes], receipt: bytes
) -> None:
    near, far = socket.socketpair()
    with near, far:
        client = new_client("courier-a3k7q2xw", ssl.create_default_context(), queue_max=1)
        client._sock = near
        near.setblocking(False)
        far.setblocking(False)
        client._thread = threading.current_thread()
        came: list[tuple[str, int, int, bool, bytes]] = []
        client.on_message = lambda _client, _data, each: came.append(
            (each.topic, each.mid, each.qos, each.retain, bytes(each.payload))
        )
        far.send(sent)
        while not came:
            assert client.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS
        assert came == [("way/1", *told)]
        assert (far.recv(100) if receipt else b"") == receipt
        client._sock = None


@pytest.mark.parametrize(
    "body", [b"", b"\x00", TOPIC, TOPIC + b"\x00", TOPIC + b"\x00\x07", b"\xff\xffway/1\x00\x07\x00a"]
)
def test_a_message_that_is_cut_short_ends_the_line_and_is_told_to_nobody(body: bytes) -> None:
    near, far = socket.socketpair()
    with near, far:
        client = new_client("courier-a3k7q2xw", ssl.create_default_context(), queue_max=1)
        client._sock = near
        near.setblocking(False)
        came: list[object] = []
        client.on_message = lambda _client, _data, each: came.append(each)
        far.send(packet(0x32, body))
        assert client.loop_read() == MQTTErrorCode.MQTT_ERR_PROTOCOL
        assert not came
        client._sock = None
