"""The hub's own client at the broker: takes what nodes publish, answers, keeps heads and the trust bundle retained.

A batch that comes alone is taken and answered by the thread that reads the line. What arrives while a commit runs goes
into the next one together, in the order of `sync.protocol.fair`. Nothing is
dropped to shed load: windows and credit bound what nodes send, and what waits here already does not wait twice. The
queue's own bounds are above what a thousand of them may have on the way.
"""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho

from hub.link.digester import Digester
from hub.link.door import Door, Offer
from hub.link.greeting import for_any, for_the_first
from hub.link.post import Post
from hub.link.voice import Voice
from sync.adapters import bugs
from sync.adapters.mqtt_link import (
    HERE,
    KEEPALIVE_S,
    ROOT,
    TRUST_TOPIC,
    ack_topic,
    batch_topic,
    hang_up,
    head_topic,
    hears_more,
    new_client,
    presence_topic,
)
from sync.kernel.ids import NODE_PATTERN
from sync.kernel.outcome import Unavailable
from sync.protocol.batch import is_batch
from sync.protocol.fair import FairQueue, kind_of, said_in
from sync.protocol.message import LEASE, ORDER, is_message

QUEUE_BYTES_MAX = 256 * 1024 * 1024
NODE_BYTES_MAX = 4 * 1024 * 1024
"""More than a node's windows let it send; what a node sends beyond is not kept, and it sends again."""
TOGETHER_MAX = 16
"""Batches in one commit: beyond it the wait for the first one's acknowledgement grows and nothing is gained."""
LONE_BYTES_MAX = 2048
"""Of a batch that is taken where it is read: a few facts. While a large one is taken the line is read on."""
RECONNECT_S_MAX = 5.0
SHARE = "$share/workers/"
"""The broker gives each message to one of those who subscribe this way, in any order."""
_TOPIC = re.compile(rf"{ROOT}/n/({NODE_PATTERN.pattern})/up/batch")
_PASSED_ON = re.compile(rf"{ROOT}/first/({NODE_PATTERN.pattern})")
_HEAD = re.compile(head_topic("([^/]+)"))
_PRESENCE = re.compile(presence_topic(f"({NODE_PATTERN.pattern})"))


def _passed_on(node: str) -> str:
    """What a node said, for the first worker alone; only the hub's own workers may write there."""
    return f"{ROOT}/first/{node}"


class MqttIngest:
    """One worker (common name `hub-….w1`). Calls the broker again by itself, ever 5 s at most."""

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        tls: ssl.SSLContext,
        *,
        door: Door,
        voice: Voice,
        post: Post,
        digester: Digester,
        shared: bool = False,
        first: bool = True,
        elsewhere: Callable[[], None] = lambda: None,
    ) -> None:
        """`shared`: other workers take messages too, each one some; `elsewhere` is called when one of them digested.

        `first`: this is the worker that grants leases and may raise the epoch; the others pass on to it what asks that.
        """
        self._name = name
        self._host = host
        self._port = port
        self._tls = tls
        self._door = door
        self._voice = voice
        self._post = post
        self._digester = digester
        self._shared = shared
        self._first = first
        self._elsewhere = elsewhere
        self._queue: FairQueue[Offer] = FairQueue()
        self._arrived = threading.Condition()
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._ready = threading.Event()
        self._client: paho.Client | None = None
        self._present: dict[str, bool] = {}
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self._digester.make_way_for(self.coming)
        for target, name in ((self._keep_connected, "mqtt-ingest-line"), (self._take, "mqtt-ingest")):
            thread = threading.Thread(target=target, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        self._stop.set()
        self._lost.set()
        for thread in self._threads:
            thread.join(5)

    def wait_ready(self, timeout_s: float) -> bool:
        """Whether the subscription stands within `timeout_s`."""
        return self._ready.wait(timeout_s)

    def coming(self) -> bool:
        """Whether something came over the line, or stands in the queue, that is not at the door yet."""
        client = self._client
        return len(self._queue) > 0 or (client is not None and hears_more(client))

    def present(self, node: str) -> bool | None:
        """Whether the node is on the broker now; None when the broker never told, or is gone itself."""
        return self._present.get(node) if self._ready.is_set() else None

    def tell_trust(self) -> None:
        """Publish the current trust bundle for everyone."""
        trust, client = self._voice.trust(), self._client
        if trust is not None and client is not None:
            client.publish(TRUST_TOPIC, trust.raw, qos=1, retain=True)

    def _keep_connected(self) -> None:
        wait = 0.1
        while not self._stop.is_set():
            self._lost.clear()
            client = new_client(self._name, self._tls, queue_max=0)
            client.on_connect = self._on_connect
            client.on_subscribe = self._on_subscribe
            client.on_disconnect = lambda *_: self._lost.set()
            client.on_message = self._on_message
            try:
                client.connect(self._host, self._port, keepalive=KEEPALIVE_S, clean_start=True)
            except (OSError, ValueError):
                self._stop.wait(wait)
                wait = min(RECONNECT_S_MAX, wait * 2)
                continue
            self._client = client
            client.loop_start()
            self._lost.wait()
            if self._ready.is_set():
                wait = 0.1
            self._ready.clear()
            self._client = None
            self._post.reach_by(None)
            self._digester.publish_heads_by(None)
            hang_up(client)
            self._stop.wait(wait)
            wait = min(RECONNECT_S_MAX, wait * 2)

    def _on_connect(self, client: paho.Client, _data: object, _flags: object, code: Any, _properties: object) -> None:
        if code.is_failure:
            self._lost.set()
            return
        self._present.clear()
        if self._shared:
            # Pages, long polls and leases are the first worker's; nobody else asks who is there or what has moved.
            more = [(presence_topic("+"), 1), (head_topic("+"), 0), (_passed_on("+"), 1)] if self._first else []
            client.subscribe([(f"{SHARE}{ROOT}/n/+/up/batch", 1), *more])
        else:
            client.subscribe([(f"{ROOT}/n/+/up/batch", 1), (presence_topic("+"), 1)])

    def _on_subscribe(self, client: paho.Client, *_: object) -> None:
        self._post.reach_by(self._answer)
        self.tell_trust()
        threading.Thread(
            target=self._digester.publish_heads_by, args=(self._publish_head,), name="mqtt-heads", daemon=True
        ).start()
        self._ready.set()

    def _on_message(self, client: paho.Client, _data: object, told: paho.MQTTMessage) -> None:
        topic = _TOPIC.fullmatch(told.topic) or _PASSED_ON.fullmatch(told.topic)
        if topic is None:
            if (presence := _PRESENCE.fullmatch(told.topic)) is not None:
                self._present[presence.group(1)] = told.payload == HERE
            elif (head := _HEAD.fullmatch(told.topic)) is not None and not self._digester.leads:
                self._post.moved([head.group(1)])
                self._elsewhere()
            return
        node, raw = topic.group(1), bytes(told.payload)
        if not self._first and for_the_first(raw, self._voice.store.epoch):
            client.publish(_passed_on(node), raw, qos=1)
            if not for_any(raw):
                return
        offer = Offer(raw, "mqtt", node)
        with self._arrived:
            lone = len(self._queue) == 0 and len(raw) <= LONE_BYTES_MAX and is_batch(raw) and not hears_more(client)
            if not (lone and self._turn.acquire(blocking=False)):
                if self._queue.held_bytes(node) < NODE_BYTES_MAX and self._queue.bytes < QUEUE_BYTES_MAX and raw:
                    self._queue.put(node, kind_of(raw), len(raw), offer, said_in(raw))
                self._arrived.notify()
                return
        try:  # nothing else is on its way: no other thread need wake for it
            self._give([offer])
        finally:
            self._turn.release()

    def _take(self) -> None:
        while not self._stop.is_set():
            with self._arrived:
                if not self._arrived.wait_for(lambda: len(self._queue) > 0, 0.5):
                    continue
            with self._turn:
                rest_s = self._take_waiting()
            if rest_s:
                self._stop.wait(rest_s)

    def _take_waiting(self) -> float:
        """Give what waits to the door, and the answers to their nodes. How long it would be of no use to try again."""
        with self._arrived:
            offers = [self._queue.take() for _ in range(min(len(self._queue), TOGETHER_MAX))]
        return self._give(offers) if offers else 0.0

    def _give(self, offers: list[Offer]) -> float:
        with self._door.attended():
            try:
                outcome = self._door.receive_many(offers)
            except Unavailable as fault:
                return min(fault.retry_s, RECONNECT_S_MAX)
            except Exception as bug:
                bugs.note("mqtt-ingest", bug)
                return bugs.PAUSE_S
            for node, messages in outcome.answers.items():
                for message in messages:
                    self._answer(node, message)
            for node, turn in outcome.turns:
                self._post.deliver(node, [turn])
        return 0.0

    def _answer(self, node: str, message: bytes) -> None:
        client = self._client
        if client is not None:
            topic = batch_topic(node) if is_message(message) and message[6] in (LEASE, ORDER) else ack_topic(node)
            client.publish(topic, message, qos=1)

    def _publish_head(self, label: str, message: bytes) -> None:
        client = self._client
        if client is not None:
            client.publish(head_topic(label), message, qos=1, retain=True)
