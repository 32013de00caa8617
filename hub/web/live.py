"""Tells open pages what has moved: one event a topic and commit, without a word about whom."""

from __future__ import annotations

from collections.abc import Sequence

from kiosk_ui.kit.events import EventHub
from sync.adapters.sqlite_log.node_store import Change
from sync.domain.fleet.facts import NODE
from sync.domain.patients.facts import DUE
from sync.domain.tracking.facts import ANOMALY_SETTLED, HANDIN, ROUND, STAY

STAYS = frozenset({STAY, DUE, ROUND, HANDIN})
TOPICS = {"stay": "record.search", "anomaly": "anomaly.settle", "ledger": "settings.read", "node": "settings.read"}
"""Topic to the right that may hear it."""


class Live:
    """Listens to the store, speaks to pages."""

    def __init__(self, events: EventHub) -> None:
        self._events = events

    def changed(self, changes: Sequence[Change]) -> None:
        moved = sum(change.etype in STAYS for change in changes)
        if moved:
            self._events.publish("stay", {"n": moved})
        if any(change.fact is not None and change.fact.kind == ANOMALY_SETTLED for change in changes) or moved:
            self._events.publish("anomaly", {})
        if any(change.etype == NODE for change in changes):
            self._events.publish("node", {})
        self._events.publish("ledger", {"n": len(changes)})

    def elsewhere(self) -> None:
        """Another worker of the hub has digested something; what, only the tables say."""
        for topic in TOPICS:
            self._events.publish(topic, {})

    def tick(self) -> None:
        """Time alone makes values old: the strip is asked for again."""
        self._events.publish("line", {})
