"""Pages hear of the line when something a person could see has changed, at most once a second."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from appliance.web.ticker import Ticker
from kiosk_ui.kit.events import EventHub
from kiosk_ui.kit.screens.ledger import LedgerView
from kiosk_ui.kit.screens.line import LineFacts


class StepClock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def wall_ms(self) -> int:
        return 1_795_141_866_000

    def mono_s(self) -> float:
        return self.now_s


class Port:
    facts = LineFacts(connected=True, last_ack_age_s=1.0)
    books = LedgerView(10, 10, 0)

    def principal(self, token: str) -> None:
        return None

    def line(self) -> LineFacts:
        return self.facts

    def ledger(self) -> LedgerView:
        return self.books


def heard(events: EventHub) -> Iterator[tuple[str, Any]]:
    """Everything published so far, from the hub's own ring."""
    answer = events.stream(None, ["line", "ledger"])
    answer.close()
    for event in events._ring:
        yield event.topic, json.loads(event.data)


def test_only_what_differs_is_told_and_not_faster_than_once_a_second() -> None:
    clock, port = StepClock(), Port()
    events = EventHub(clock=clock)
    ticker = Ticker(port, events, clock.mono_s)
    assert ticker.look()
    clock.now_s += 5
    assert not ticker.look(), "nothing has changed"
    port.books = LedgerView(11, 10, 1)
    assert ticker.look()
    port.books = LedgerView(12, 10, 2)
    clock.now_s += 0.5
    assert not ticker.look(), "too soon"
    clock.now_s += 0.5
    assert ticker.look()
    port.facts = replace(port.facts, connected=False, cut_s=9.0, outbox=2)
    clock.now_s += 1
    assert ticker.look()
    told = list(heard(events))
    assert [topic for topic, _ in told] == ["line", "ledger", "line", "ledger", "line", "ledger", "line"]
    assert told[-1][1] == {"state": "cut"} and told[-2][1] == {"produced": 12, "received": 10, "waiting": 2}
    events.close()


def test_an_old_answer_grows_older_by_the_minute_on_a_grey_strip() -> None:
    clock, port = StepClock(), Port()
    port.facts = LineFacts(connected=False, last_ack_age_s=61.0, cut_s=60.0)
    events = EventHub(clock=clock)
    ticker = Ticker(port, events, clock.mono_s)
    assert ticker.look()
    for age_s, told in ((90.0, False), (121.0, True)):
        clock.now_s += 30
        port.facts = replace(port.facts, last_ack_age_s=age_s, cut_s=age_s)
        assert ticker.look() is told
    events.close()
