"""The stream: numbered, replayed, bounded, ended; and rights per topic."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask

from kiosk_ui.kit.app import make_app
from kiosk_ui.kit.events import CLIENT_QUEUE_MAX, EventHub
from kiosk_ui.kit.port import Clock, KitConfig
from tests.adapters.kit.conftest import add_wedge


def read(stream: Iterator[bytes | str], count: int) -> list[str]:
    """The next `count` named events, heartbeats left out."""
    found: list[str] = []
    for chunk in stream:
        text = chunk.decode() if isinstance(chunk, bytes) else chunk
        if "event: " in text and "event: heartbeat" not in text:
            found.append(text)
        if len(found) == count:
            return found
    return found


def body(hub: EventHub, last: str | None, topics: set[str]) -> Iterator[bytes | str]:
    return iter(hub.stream(last, topics).response)  # type: ignore[arg-type]  # streams are iterables


def test_events_come_with_id_topic_and_data(events: EventHub) -> None:
    stream = body(events, None, {"scan"})
    assert next(stream) == "retry: 1000\n\n"
    number = events.publish("scan", {"verdict": "good", "text": "两行\n一句"})
    events.publish("other", {})
    (first,) = read(stream, 1)
    assert first == f'id: {number}\nevent: scan\ndata: {{"verdict":"good","text":"两行\\n一句"}}\n\n'


def test_what_was_missed_is_sent_again_in_order(events: EventHub) -> None:
    ids = [events.publish("scan", {"n": n}) for n in range(5)]
    replayed = read(body(events, ids[1], {"scan"}), 3)
    assert [text.split("\n")[0] for text in replayed] == [f"id: {each}" for each in ids[2:]]


@pytest.mark.parametrize("last", ["0-1", "nonsense", "1a1f4e6-99999999999999999999", "-", "x" * 300])
def test_a_number_of_another_start_asks_the_page_to_begin_anew(events: EventHub, last: str) -> None:
    events.publish("scan", {})
    (first,) = read(body(events, last, {"scan"}), 1)
    assert "event: reset" in first


def test_a_number_older_than_the_ring_asks_the_page_to_begin_anew(clock: Clock) -> None:
    hub = EventHub(ring=3, clock=clock)
    ids = [hub.publish("scan", {"n": n}) for n in range(6)]
    assert "event: reset" in read(body(hub, ids[0], {"scan"}), 1)[0]
    assert "event: scan" in read(body(hub, ids[2], {"scan"}), 1)[0]
    hub.close()


def test_a_heartbeat_comes_when_nothing_happens(events: EventHub) -> None:
    stream = body(events, None, {"scan"})
    beats = [next(stream) for _ in range(3)]
    assert all("event: heartbeat" in str(beat) for beat in beats[1:])


def test_a_page_that_does_not_read_loses_its_stream_alone(events: EventHub) -> None:
    slow, quick = body(events, None, {"scan"}), body(events, None, {"scan"})
    next(slow), next(quick)
    for n in range(CLIENT_QUEUE_MAX + 1):
        events.publish("scan", {"n": n})
        read(quick, 1)
    assert len(read(slow, 10_000)) < CLIENT_QUEUE_MAX
    events.publish("scan", {"n": "after"})
    assert "after" in read(quick, 1)[0]


def test_leaving_and_closing_leave_nobody_behind(events: EventHub) -> None:
    answer = events.stream(None, {"scan"})
    assert events.clients == 1
    answer.close()
    assert events.clients == 0
    stream = body(events, None, {"scan"})
    next(stream)
    events.close()
    assert read(stream, 1) == [] and events.clients == 0


def test_a_topic_is_heard_only_with_its_right(app: Flask, events: EventHub) -> None:
    def first(token: str) -> str:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = app.test_client().get("/events?topics=scan,tick,unlisted", headers=headers)
        events.publish("unlisted", {})
        events.publish("scan", {})
        events.publish("tick", {})
        (event,) = read(iter(answer.response), 1)
        answer.close()
        return event

    assert "event: scan" in first("t-courier")
    assert "event: tick" in first("t-nurse")
    assert "event: tick" in first("")


def test_what_happens_while_a_page_is_on_its_way_reaches_it(config: KitConfig, events: EventHub) -> None:
    """A gun that is quicker than the browser: the scan comes before the page's stream is open."""
    events.publish("line", {"n": "before"})
    app = make_app(config)
    add_wedge(app)
    page = app.test_client().get("/wedge").get_data(as_text=True)
    told = re.search(r'data-events-from="([^"]+)"', page)
    assert told is not None
    events.publish("line", {"n": "between"})
    (first,) = read(body(events, told.group(1), {"line"}), 1)
    assert "between" in first
