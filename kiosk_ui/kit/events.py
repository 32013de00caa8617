"""Server-sent events: one stream per page, every event numbered, what was missed is sent again.

The ring answers a page that was away; a number from before this start, or older than the ring, is answered by a
`reset` event, and the page asks for its state anew. A heartbeat every 5 s lets the page see a server that hangs.
A page that does not read loses its stream, never holds the others up.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import Response

from kiosk_ui.kit.clock import Clock

RING = 1000
HEARTBEAT_S = 5.0
CLIENT_QUEUE_MAX = 256
CLIENTS_MAX = 64
RETRY_MS = 1000


@dataclass(frozen=True, slots=True)
class Event:
    number: int
    topic: str
    data: str


class _Client:
    def __init__(self, topics: frozenset[str]) -> None:
        self.topics = topics
        self.waiting: queue.Queue[Event | None] = queue.Queue(CLIENT_QUEUE_MAX)
        self.gone = False


class EventHub:
    """One per node. `publish` never blocks and may be called from any thread, after the commit that it tells of."""

    def __init__(self, ring: int = RING, *, clock: Clock, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._clock = clock
        self._epoch = f"{clock.wall_ms():x}"
        self._heartbeat_s = heartbeat_s
        self._lock = threading.Lock()
        self._ring: deque[Event] = deque(maxlen=ring)
        self._clients: list[_Client] = []
        self._number = 0
        self._closed = False

    @property
    def clients(self) -> int:
        """How many streams are open."""
        with self._lock:
            return len(self._clients)

    @property
    def at(self) -> str:
        """The id of the newest event: a stream from here on misses nothing that comes after."""
        with self._lock:
            return f"{self._epoch}-{self._number}"

    def publish(self, topic: str, data: dict[str, Any]) -> str:
        """Tell every page that listens to `topic`; the id of the event. No names or record numbers in topics."""
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        with self._lock:
            self._number += 1
            event = Event(self._number, topic, text)
            self._ring.append(event)
            for client in self._clients:
                if topic in client.topics:
                    self._offer(client, event)
            return f"{self._epoch}-{event.number}"

    def close(self) -> None:
        """End every stream: the node stops."""
        with self._lock:
            self._closed = True
            for client in self._clients:
                self._drop(client)

    def stream(self, last_event_id: str | None, topics: Iterable[str]) -> Response:
        """The response of a page's one stream, replayed from `last_event_id`."""
        client = _Client(frozenset(topics))
        with self._lock:
            missed = self._missed(last_event_id, client.topics)
            if self._closed:
                client.gone = True
            else:
                if len(self._clients) >= CLIENTS_MAX:
                    self._drop(self._clients.pop(0))
                self._clients.append(client)
            start = self._number
        answer = Response(self._write(client, missed, start), mimetype="text/event-stream")
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["X-Accel-Buffering"] = "no"
        answer.call_on_close(lambda: self._leave(client))
        return answer

    def _missed(self, last_event_id: str | None, topics: frozenset[str]) -> list[Event] | None:
        """What came after the given id; None when that can no longer be told."""
        if not last_event_id:
            return []
        epoch, _, digits = last_event_id.partition("-")
        if epoch != self._epoch or not digits.isascii() or not digits.isdigit() or len(digits) > 18:
            return None
        after = int(digits)
        oldest = self._ring[0].number if self._ring else self._number + 1
        if after > self._number or after < oldest - 1:
            return None
        return [event for event in self._ring if event.number > after and event.topic in topics]

    def _write(self, client: _Client, missed: list[Event] | None, start: int) -> Iterator[str]:
        try:
            yield f"retry: {RETRY_MS}\n\n"
            if missed is None:
                yield self._lines("reset", "{}", start)
            else:
                yield from (self._lines(event.topic, event.data, event.number) for event in missed)
            yield self._heartbeat()
            while not client.gone:
                try:
                    event = client.waiting.get(timeout=self._heartbeat_s)
                except queue.Empty:
                    yield self._heartbeat()
                    continue
                if event is None:
                    return
                yield self._lines(event.topic, event.data, event.number)
        finally:
            self._leave(client)

    def _lines(self, topic: str, data: str, number: int) -> str:
        return f"id: {self._epoch}-{number}\nevent: {topic}\ndata: {data}\n\n"

    def _heartbeat(self) -> str:
        return f'event: heartbeat\ndata: {{"at_ms":{self._clock.wall_ms()}}}\n\n'

    def _offer(self, client: _Client, event: Event) -> None:
        try:
            client.waiting.put_nowait(event)
        except queue.Full:
            self._drop(client)

    def _drop(self, client: _Client) -> None:
        """End one stream, also one that waits on an empty queue; a full queue is emptied first."""
        client.gone = True
        while True:
            try:
                client.waiting.put_nowait(None)
                return
            except queue.Full:
                with contextlib.suppress(queue.Empty):
                    client.waiting.get_nowait()

    def _leave(self, client: _Client) -> None:
        client.gone = True
        with self._lock:
            if client in self._clients:
                self._clients.remove(client)
