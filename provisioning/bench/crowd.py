"""Many boxes' lines in one thread: what the service does with threads of its own for each, a loop does for all.

Session, letters, performer and store are the box's own, and so is the carrier, but for who waits for its socket:
five hundred threads of one interpreter would measure how they wake each other.
"""

from __future__ import annotations

import heapq
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from random import Random

import paho.mqtt.client as paho

from appliance.link.gauge import Gauge
from appliance.link.letters import Letters
from appliance.link.performer import Performer
from appliance.link.pump import Pump
from appliance.link.trust_book import BoxKeys, TrustBook
from appliance.settings import SOFTWARE, Hub
from provisioning.trust.node_keys import load_keys
from sync.adapters.carrier import Heard, Why, client_context, why_of
from sync.adapters.mqtt_link import KEEPALIVE_S, MqttLink, waits_unread
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.protocol.config import Config
from sync.protocol.session import Session
from sync.protocol.states import TALKING

MISC_EVERY_S = 2.0
"""How often each client looks at its keepalive."""

Act = Callable[[], None]


class Loop:
    """One thread's sockets and times. All that came is read before anything is done: an answer often ends a wait."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._acts: dict[int, Act] = {}
        self._soon: deque[Act] = deque()
        self._times: list[tuple[float, int, Act]] = []
        self._n = 0

    def watch(self, fd: int, act: Act, *, writes: bool = False) -> None:
        """Call `act` while the descriptor is ready; one that is closed is forgotten by itself."""
        mask = select.EPOLLIN | (select.EPOLLOUT if writes else 0)
        try:
            self._poll.register(fd, mask)
        except FileExistsError:
            self._poll.modify(fd, mask)
        self._acts[fd] = act

    def soon(self, act: Act) -> None:
        """Call `act` once what has come is read."""
        self._soon.append(act)

    def at(self, at_s: float, act: Act) -> None:
        """Call `act` once at this time of the monotonic clock, or soon after."""
        self._n += 1
        heapq.heappush(self._times, (at_s, self._n, act))

    def run(self, most_s: float) -> None:
        """What is ready within `most_s`: all that came, one act and one that is due."""
        wait_s = 0.0 if self._soon else most_s
        if self._times:
            wait_s = min(wait_s, self._times[0][0] - time.monotonic())
        for fd, _ in self._poll.poll(max(0.0, wait_s)):
            self._acts[fd]()
        if self._soon:
            self._soon.popleft()()
        if self._times and self._times[0][0] <= time.monotonic():
            heapq.heappop(self._times)[2]()


class LoopLink(MqttLink):
    """The MQTT carrier with the loop as its thread."""

    def __init__(self, loop: Loop, node: str, host: str, port: int, tls: ssl.SSLContext, heard: Heard) -> None:
        super().__init__(node, host, port, tls, heard)
        self._loop = loop
        self._dialled: socket.socket | None = None

    def open(self) -> None:
        client = self._fresh()
        if client is None:
            return
        line = self._dialled = socket.socket()
        line.setblocking(False)
        line.connect_ex((self._host, self._port))  # what comes of it the socket tells when it is ready
        self._loop.watch(line.fileno(), lambda: self._dial(client, line), writes=True)

    def close(self) -> None:
        super().close()
        self._put_down()

    def _put_down(self) -> None:
        dialled, self._dialled = self._dialled, None
        if dialled is not None:
            dialled.close()

    def _dial(self, client: paho.Client, line: socket.socket) -> None:
        fault = line.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if fault:
            self._put_down()
            self._fell(client, why_of(OSError(fault, "connect")))
            return
        tls = self._dialled = self._tls.wrap_socket(line, server_hostname=self._host, do_handshake_on_connect=False)
        self._greet(client, tls)

    def _greet(self, client: paho.Client, line: ssl.SSLSocket) -> None:
        try:
            line.do_handshake()
            vars(client)["_create_socket"] = lambda: line  # the library would wait in our thread
            client.connect(self._host, self._port, keepalive=KEEPALIVE_S, clean_start=True)
        except ssl.SSLWantReadError:
            self._loop.watch(line.fileno(), lambda: self._greet(client, line))
        except OSError as fault:
            self._put_down()
            self._fell(client, why_of(fault))
        else:
            self._dialled = None
            self._loop.watch(line.fileno(), lambda: self._ready(client))
            self._misc(client)

    def _ready(self, client: paho.Client) -> None:
        client.loop(0.0)
        while waits_unread(client) or client.want_write():
            if client.loop(0.0):
                break

    def _misc(self, client: paho.Client) -> None:
        if client.loop_misc() == 0:
            self._loop.at(time.monotonic() + MISC_EVERY_S, lambda: self._misc(client))


class Core:
    """A box's session with its store, and what was heard and not yet taken."""

    def __init__(self, loop: Loop, store: ApplianceStore, keys_folder: Path, hub: Hub, seed: int) -> None:
        own = load_keys(keys_folder)
        tls = client_context(own.ca_path, own.tls_certificate_path, own.tls_key_path, hub.server_name)
        book = TrustBook(
            BoxKeys(store.node, own.signing, own.suite), (keys_folder / "trust.way").read_bytes(), lambda raw: None
        )
        self.store = store
        self.done_s: float | None = None
        self._loop = loop
        self._heard: deque[tuple[str, str, bytes]] = deque()
        self._due = False
        self._tick_at_s = float("inf")
        carrier = LoopLink(loop, store.node, hub.mqtt_host, hub.mqtt_port, tls, self)
        self.session = Session(Config(store.incarnation, (carrier.name,), Random(seed).random))
        letters, gauge = Letters(store, book, SOFTWARE), Gauge(store.clock.mono_s(), None)
        self._performer = Performer(
            store, book, letters, {carrier.name: carrier}, gauge, None, own.identity_path.read_bytes(), lambda raw: None
        )
        self._pump = Pump(store, book, letters, self.session, self._performer, gauge, reset_feeds=lambda: None)
        store.listen(lambda changes: self._hear("commit"))

    def start(self) -> None:
        self._pump.begin()
        self._look()

    def hang_up(self) -> None:
        self._performer.hang_up()

    def up(self, carrier: str) -> None:
        self._hear("up", carrier)

    def down(self, carrier: str, why: Why) -> None:
        self._hear(why, carrier)

    def received(self, carrier: str, message: bytes) -> None:
        self._hear("received", carrier, message)

    def _hear(self, what: str, carrier: str = "", raw: bytes = b"") -> None:
        self._heard.append((what, carrier, raw))
        if not self._due:
            self._due = True
            self._loop.soon(self._take)

    def _take(self) -> None:
        self._due = False
        while self._heard:
            self._pump.take(*self._heard.popleft())
        self._look()

    def _look(self) -> None:
        """Note when the session wants to be woken, and whether all is signed for."""
        if self.done_s is None and self._signed:
            self.done_s = time.monotonic()
        at_s = self.session.wakes_at_s
        if at_s < self._tick_at_s:
            self._tick_at_s = at_s
            self._loop.at(at_s, lambda: self._tick(at_s))

    @property
    def _signed(self) -> bool:
        streams = self.session.streams.values()
        return self.session.state == TALKING and all(each.acked == each.last for each in streams)

    def _tick(self, at_s: float) -> None:
        if at_s == self._tick_at_s:  # an earlier one came between otherwise
            self._tick_at_s = float("inf")
            self._hear("tick")
