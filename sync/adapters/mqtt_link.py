"""The MQTT carrier: the broker moves bytes and wakes; it is trusted with nothing.

MQTT 5 over TLS, QoS 1, clean start each time, Nagle off on our end (88 ms a lone fact with it, 0.7 ms without).
Reconnecting is the session's affair, not the library's. Source: protocol way/1, section 4.10.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
import time
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from sync.adapters.carrier import CONNECT_S_MAX, SEND_QUEUE_MAX, Heard, Why, why_of
from sync.kernel.limits import MQTT_PAYLOAD_BYTES_MAX

ROOT = "way/1"
KEEPALIVE_S = 10
"""Short, so that a silent line is noticed while a person still stands there."""

IN_FLIGHT_MAX = 100
"""What the hub's broker announces as receive maximum: with fewer, words for a crowd wait for the broker's receipts."""

TLS_RECORD_BYTES = 16 * 1024
PUBLISH, PUBACK = 0x30, 0x40
"""Kinds of packets. Source: MQTT 5.0, section 2.1.2."""


def up_topic(node: str) -> str:
    return f"{ROOT}/n/{node}/up/batch"


def ack_topic(node: str) -> str:
    return f"{ROOT}/n/{node}/down/ack"


def batch_topic(node: str) -> str:
    """Where leases and orders come down."""
    return f"{ROOT}/n/{node}/down/batch"


def head_topic(label: str) -> str:
    return f"{ROOT}/scope/{label}/head"


def presence_topic(node: str) -> str:
    """Retained: `1` while the node is on the broker, `0` by its will."""
    return f"{ROOT}/n/{node}/up/presence"


TRUST_TOPIC = f"{ROOT}/all/down/trust"
HERE, GONE = b"1", b"0"
_WITH_WILL = 4
"""Disconnect with will message. Source: MQTT 5.0, section 3.14.2.1."""


def new_client(name: str, tls: ssl.SSLContext, *, queue_max: int) -> paho.Client:
    """A client with the house's habits; it never reconnects by itself."""
    client = _Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5, reconnect_on_failure=False)
    client.tls_set_context(tls)
    client.connect_timeout = CONNECT_S_MAX
    client.max_queued_messages_set(queue_max)
    client.max_inflight_messages_set(IN_FLIGHT_MAX)
    client.on_socket_open = _without_nagle
    return client


class _Client(paho.Client):
    """Waits by poll(): the library's select() takes no descriptor above 1,023, and a hub has more machines than that.

    Reads a whole TLS record at once: the library asks for a byte, a length, a rest, and each time the thread gives up
    its turn. Writes at once what is published while nothing else waits, in the thread that has it; the library would
    wake its own first. A TLS socket is no two threads' at a time, so reading and writing take turns.
    The library has no other hooks for any of it. Source: observed, paho-mqtt 2.1, `Client._loop`, `_sock_recv`,
    `_packet_queue`, `_packet_write`.
    """

    _record = b""
    _read_to = 0

    @property
    def unread(self) -> bool:
        """Whether bytes are here of which no socket tells any more."""
        line = self._sock
        return self._read_to < len(self._record) or (isinstance(line, ssl.SSLSocket) and line.pending() > 0)

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._line_turn = threading.RLock()

    def hears_more(self) -> bool:
        """Whether something that came has not been read yet."""
        line = self._sock
        if line is None or self._read_to < len(self._record):
            return line is not None
        with contextlib.suppress(OSError, ValueError):
            watched = select.poll()
            watched.register(line, select.POLLIN)
            return bool(watched.poll(0))
        return False

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._read_to >= len(self._record):
            try:
                with self._line_turn:
                    self._record, self._read_to = super()._sock_recv(max(bufsize, TLS_RECORD_BYTES)), 0
            except ValueError as fault:  # a TLS socket says so when another thread has just closed it
                raise ConnectionError from fault
        read = self._record[self._read_to : self._read_to + bufsize]
        self._read_to += len(read)
        return read

    def _packet_write(self) -> MQTTErrorCode:
        with self._line_turn:
            return super()._packet_write()

    def _packet_queue(
        self, command: int, packet: bytes | bytearray, mid: int, qos: int, info: paho.MQTTMessageInfo | None = None
    ) -> MQTTErrorCode:
        with self._line_turn:
            prompt = qos == 1 and command & 0xF0 in (PUBLISH, PUBACK)
            if prompt and self._thread is not None and not self._out_packet:
                with contextlib.suppress(OSError, ValueError, AttributeError):  # full, or broken: the loop finds it too
                    packet = packet[self._sock_send(packet) :]
                    if not packet:
                        self._last_msg_out = time.monotonic()
                        return MQTTErrorCode.MQTT_ERR_SUCCESS
            return super()._packet_queue(command, packet, mid, qos, info)

    def _handle_publish(self) -> MQTTErrorCode:
        """A message without properties, as all of ours are: for each, the library first lists all there could be."""
        packet, command = self._in_packet["packet"], self._in_packet["command"]
        qos = command >> 1 & 3
        topic_end = 2 + int.from_bytes(packet[:2], "big")
        properties = topic_end + (2 if qos else 0)
        if qos > 1 or len(packet) <= properties or packet[properties] != 0:
            return super()._handle_publish()
        mid = int.from_bytes(packet[topic_end:properties], "big")
        told = paho.MQTTMessage(mid, bytes(packet[2:topic_end]))
        told.qos, told.retain, told.payload = qos, bool(command & 1), bytes(packet[properties + 1 :])
        self._handle_on_message(told)
        return self._send_puback(mid) if qos else MQTTErrorCode.MQTT_ERR_SUCCESS

    def _loop(self, timeout: float = 1.0) -> MQTTErrorCode:
        line, bell = self._sock, self._sockpairR
        if line is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        if self.unread:
            timeout = 0.0  # what is read already wakes no poll
        watched = select.poll()
        try:
            watched.register(line, select.POLLIN | (select.POLLOUT if self.want_write() else 0))
            if bell is not None:
                watched.register(bell, select.POLLIN)
            told = dict(watched.poll(timeout * 1000))
            rung = bell is not None and bool(told.get(bell.fileno()))
            heard = told.get(line.fileno(), 0)
        except (OSError, ValueError, TypeError):
            return MQTTErrorCode.MQTT_ERR_CONN_LOST  # closed by another thread meanwhile
        if heard & ~select.POLLOUT or timeout == 0.0:
            done = self.loop_read()
            if done or self._sock is None:
                return done
        if rung and bell is not None:
            with contextlib.suppress(OSError):
                bell.recv(10_000)
        if rung or heard & select.POLLOUT:
            done = self.loop_write()
            if done or self._sock is None:
                return done
        return self.loop_misc()


def waits_unread(client: paho.Client) -> bool:
    """Whether a client's loop has something to read of which its socket does not tell."""
    return isinstance(client, _Client) and client.unread


def hears_more(client: paho.Client) -> bool:
    """Whether something that came to a client of `new_client` has not been read yet."""
    return isinstance(client, _Client) and client.hears_more()


def hang_up(client: paho.Client) -> None:
    """End a client at once, also on a line that swallows everything."""
    with contextlib.suppress(OSError, ValueError):
        client.disconnect(reasoncode=ReasonCode(PacketTypes.DISCONNECT, identifier=_WITH_WILL))
    line = client.socket()
    if isinstance(line, socket.socket):
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(AttributeError, RuntimeError):
        client.loop_stop()  # not where another thread is just starting the loop: that one looks again, and hangs up


def _without_nagle(_client: paho.Client, _data: object, line: Any) -> None:
    if line is None:
        raise ConnectionAbortedError  # another thread hung up in the middle of the call
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class MqttLink:
    """One node's line over a broker. A new connection each `open`; what an old one still says is not heard."""

    name = "mqtt"

    def __init__(self, node: str, host: str, port: int, tls: ssl.SSLContext, heard: Heard) -> None:
        self._node = node
        self._host = host
        self._port = port
        self._tls = tls
        self._heard = heard
        self._lock = threading.Lock()
        self._client: paho.Client | None = None
        self._up = False
        self._labels: frozenset[str] = frozenset()

    def open(self) -> None:
        client = self._fresh()
        if client is not None:
            threading.Thread(target=self._call, args=(client,), name="link-mqtt-call", daemon=True).start()

    def _fresh(self) -> paho.Client | None:
        """A client that has not called yet; None while there is one."""
        with self._lock:
            if self._client is not None:
                return None
            client = new_client(self._node, self._tls, queue_max=SEND_QUEUE_MAX)
            client.will_set(presence_topic(self._node), GONE, qos=1, retain=True)
            self._client = client
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def send(self, message: bytes) -> bool:
        with self._lock:
            client = self._client if self._up else None
        if client is None or len(message) > MQTT_PAYLOAD_BYTES_MAX:
            return False
        return client.publish(up_topic(self._node), message, qos=1).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def hold(self, labels: frozenset[str]) -> None:
        with self._lock:
            before, self._labels = self._labels, labels
            client = self._client if self._up else None
        if client is None:
            return
        if labels - before:
            client.subscribe([(head_topic(label), SubscribeOptions(qos=1)) for label in sorted(labels - before)])
        if before - labels:
            client.unsubscribe([head_topic(label) for label in sorted(before - labels)])

    def close(self) -> None:
        with self._lock:
            client, self._client, self._up = self._client, None, False
        if client is not None:
            hang_up(client)

    def _call(self, client: paho.Client) -> None:
        try:
            client.connect(self._host, self._port, keepalive=KEEPALIVE_S, clean_start=True)
        except (OSError, ValueError) as fault:
            self._fell(client, why_of(fault))
            return
        client.loop_start()
        with self._lock:
            current = self._client is client
        if not current:
            hang_up(client)

    def _fell(self, client: paho.Client, why: Why) -> None:
        with self._lock:
            if self._client is not client:
                return
            self._client, self._up = None, False
        self._heard.down(self.name, why)

    def _on_connect(
        self, client: paho.Client, _data: object, _flags: object, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if code.is_failure:
            self._fell(client, "denied")
            client.disconnect()
            return
        with self._lock:
            labels = self._labels
        topics = [
            ack_topic(self._node),
            batch_topic(self._node),
            TRUST_TOPIC,
            *map(head_topic, sorted(labels)),
        ]
        # No retained ones: the welcome tells what is new, and a round asks for the heads in any case.
        quiet = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
        client.subscribe([(topic, quiet) for topic in topics])
        client.publish(presence_topic(self._node), HERE, qos=0, retain=True)

    def _on_subscribe(self, client: paho.Client, _data: object, _mid: int, _codes: object, _properties: object) -> None:
        with self._lock:
            if self._client is not client or self._up:
                return
            self._up = True
        self._heard.up(self.name)

    def _on_message(self, client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        with self._lock:
            current = self._client is client
        if current:
            self._heard.received(self.name, bytes(message.payload))

    def _on_publish(self, client: paho.Client, _data: object, _mid: int, code: ReasonCode, _properties: object) -> None:
        if code.is_failure:
            self._fell(client, "denied")
            client.disconnect()

    def _on_disconnect(
        self, client: paho.Client, _data: object, _flags: object, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._fell(client, "no-answer" if code.getName() == "Keep alive timeout" else "lost")
