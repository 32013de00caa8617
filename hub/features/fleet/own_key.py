"""The hub's own signing key, as an administrator changes it: from which day on another one signs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from hub.store.desk import Desk
from provisioning.trust.bundle import Bundle
from sync.kernel.limits import HUB_KEY_AHEAD_MS
from sync.kernel.outcome import Refused

Order = Callable[[int], Bundle | Refused]
"""Hub time -> the bundle that names another key from then on."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """`on`: the civil date at whose beginning the hub goes over to `key_id`."""

    key_id: bytes
    on: date
    version: int


class OwnKeyOrders:
    def __init__(self, desk: Desk, order: Order) -> None:
        self._desk = desk
        self._order = order

    def order(self, on: str, actor: str) -> Ordered | Refused:
        """Another key from the beginning of the day `on` (ISO), the first that is far enough ahead where it is empty.

        Refused `hub-key.date`, `hub-key.too-soon`, `hub-key.pending`, `hub-key.too-many`.
        """
        first = self._desk.local(self._desk.now_ms() + HUB_KEY_AHEAD_MS).date() + timedelta(days=1)
        try:
            day = date.fromisoformat(on) if on else first
            at_ms = self._desk.midnight_ms(day)
        except (ValueError, OverflowError):
            return Refused("hub-key.date")
        done = self._order(at_ms)
        if isinstance(done, Refused):
            return Refused(done.code, {"on": first.isoformat()})
        key_id = done.trust.hub_keys[-1].key_id
        with self._desk.write(actor) as unit:
            self._desk.note(unit, "hub.key-ordered", detail=f"{key_id.hex()} {day.isoformat()}")
        return Ordered(key_id, day, done.version)
