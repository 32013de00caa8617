"""The ledger chip: what was produced is what was received plus what waits; anything else is missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

LedgerState = Literal["equal", "waiting", "missing"]


@dataclass(frozen=True, slots=True)
class LedgerView:
    """Counts of facts. `first_missing` names the first absent number (`1/0877`: lane and seq).

    `as_of` is set where the chip covers only what another machine has reported until then (UTC).
    """

    produced: int
    received: int
    waiting: int
    first_missing: str | None = None
    as_of: datetime | None = None

    @property
    def missing(self) -> int:
        """How many are in neither place; never negative: more received than produced is missing knowledge, not gain."""
        return abs(self.produced - self.received - self.waiting)

    @property
    def state(self) -> LedgerState:
        if self.missing or self.first_missing:
            return "missing"
        return "waiting" if self.waiting else "equal"
