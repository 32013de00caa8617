"""What the kit asks of this box on every page: who, how the line is, what waits."""

from __future__ import annotations

from collections.abc import Callable

from kiosk_ui.kit.port import Principal
from kiosk_ui.kit.screens.ledger import LedgerView
from kiosk_ui.kit.screens.line import LineFacts
from sync.adapters.sqlite_log.node_store import NodeStore
from sync.adapters.sqlite_log.outbox import ledger

WhoIs = Callable[[str], Principal | None]


class BoxPort:
    """`kiosk_ui.kit.port.KitPort` of an appliance."""

    def __init__(self, store: NodeStore, who: WhoIs, line: Callable[[], LineFacts]) -> None:
        self._store = store
        self._who = who
        self._line = line

    def principal(self, token: str) -> Principal | None:
        return self._who(token)

    def line(self) -> LineFacts:
        return self._line()

    def ledger(self) -> LedgerView:
        """Facts this box wrote, those the centre signed for, and what waits here."""
        with self._store.read() as conn:
            produced, received = ledger(conn)
        return LedgerView(produced, received, produced - received)
