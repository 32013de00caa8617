"""Bringing back own streams that the hub has and this disk lost; each proven piece is kept as it comes.

Source: protocol way/1, section 4.8.
"""

from __future__ import annotations

from typing import Protocol

from appliance.link.trust_book import TrustBook
from sync.adapters.sqlite_log import regained
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.kernel.limits import BATCH_FACTS_MAX
from sync.kernel.outcome import PeerFault
from sync.protocol import history
from sync.protocol.batch import Item


class HubHistory(Protocol):
    """What the hub serves of a node's own streams. Raises Unavailable when the line does not carry it."""

    def own_history(self, incarnation: int, lane: int, first: int) -> bytes: ...


def regain(store: ApplianceStore, hub: HubHistory, book: TrustBook) -> None:
    """Fetch all that is noted as lost. A stream that does not follow on is stopped; the others go on."""
    for gone in regained.lost(store):
        try:
            _regain(store, hub, book, gone)
        except PeerFault as fault:
            if not fault.code.startswith(("history.", "cbor.", "batch.")):
                raise
            regained.other_history(store, gone)


def _regain(store: ApplianceStore, hub: HubHistory, book: TrustBook, gone: regained.Lost) -> None:
    keys = book.keys
    items: list[Item] = []
    left: regained.Lost | None = gone
    while left is not None:
        first = left.last + 1
        raw = hub.own_history(left.stream.incarnation, left.stream.lane, first + len(items))
        if not raw:
            return regained.give_up(store, left)
        page = history.Page.read(raw)
        if page.first != first + len(items) or len(items) > BATCH_FACTS_MAX:
            raise PeerFault("history.chain")
        items += page.items
        whole = history.Page(first, tuple(items), page.proofs)
        hashes, covered = history.proven(whole, left.stream, left.h, book.own, keys.suite)
        if covered:
            left = regained.take(store, left, items[:covered], hashes[:covered])
            items = items[covered:]
