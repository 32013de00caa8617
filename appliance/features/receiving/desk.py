"""The counter at one moment: who waits, what is scanned, what does not fit, gathered for a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from appliance.features.receiving.service import Received, Receiving
from appliance.features.receiving.store import AnomalyRow, CounterRow, HandInRow, WaitingRound
from sync.domain.tracking import words


@dataclass(frozen=True, slots=True)
class Batch:
    """One card at the left. `handin` None: these rounds wait for their courier to come."""

    courier: str
    name: str
    wards: tuple[str, ...]
    rounds: tuple[str, ...]
    records: int
    handin: HandInRow | None
    got: int
    acked: int
    at_ms: int | None


@dataclass(frozen=True, slots=True)
class Desk:
    """`at` is the hand-in that the gun belongs to; `rate` receptions a minute over the last ten, None when too few."""

    batches: tuple[Batch, ...]
    at: Batch | None
    rows: tuple[CounterRow, ...]
    anomalies: tuple[AnomalyRow, ...]
    last: Received | None
    rate: int | None

    @property
    def got(self) -> int:
        """Received of those the rounds name."""
        return sum(1 for row in self.rows if _got(row))

    @property
    def acked(self) -> int:
        return sum(1 for row in self.rows if _got(row) and row.acked)

    @property
    def extra(self) -> int:
        """Received though no round of this hand-in names them."""
        return sum(1 for row in self.rows if row.reception is not None and not row.expected)

    @property
    def expected(self) -> int:
        return sum(1 for row in self.rows if row.expected)

    @property
    def missing(self) -> int:
        return sum(1 for row in self.rows if row.reception is None)


def desk_of(receiving: Receiving, names: Mapping[str, str], since_ms: int, now_ms: int) -> Desk:
    """Everything at once; a counter holds tens of records, not thousands."""
    batches = [*_waiting(receiving.waiting(), names)]
    by_handin: dict[str, list[WaitingRound]] = {}
    for waiting in receiving.waiting():
        if waiting.handin is not None:
            by_handin.setdefault(waiting.handin, []).append(waiting)
    at_key = receiving.at[0] if receiving.at else None
    at: Batch | None = None
    rows: tuple[CounterRow, ...] = ()
    for handin in receiving.handins(since_ms):
        counted = receiving.counter(handin.key)
        went = by_handin.get(handin.key, [])
        batch = Batch(
            handin.courier,
            names.get(handin.courier, handin.courier),
            tuple(sorted({one.ward for one in went} or {row.ward for row in counted if row.ward})),
            tuple(one.key for one in went),
            sum(1 for row in counted if row.expected),
            handin,
            sum(1 for row in counted if _got(row)),
            sum(1 for row in counted if _got(row) and row.acked),
            handin.closed_at_ms or handin.opened_at_ms,
        )
        if handin.key == at_key:
            at, rows = batch, tuple(counted)
            batches.insert(0, batch)
        else:
            batches.append(batch)
    received_at = [row.received_at_ms for row in rows if row.received_at_ms is not None]
    return Desk(tuple(batches), at, rows, tuple(receiving.anomalies()), receiving.last, _rate(received_at, now_ms))


def _got(row: CounterRow) -> bool:
    return row.reception is not None and row.expected


def _waiting(rounds: Iterable[WaitingRound], names: Mapping[str, str]) -> list[Batch]:
    by_courier: dict[str, list[WaitingRound]] = {}
    for waiting in rounds:
        if waiting.handin is None:
            by_courier.setdefault(waiting.courier, []).append(waiting)
    return [
        Batch(
            courier,
            names.get(courier, courier),
            tuple(sorted({one.ward for one in went})),
            tuple(one.key for one in went),
            sum(max(one.records, one.scanned or 0) for one in went),
            None,
            0,
            0,
            max((one.handed_over_at_ms for one in went if one.handed_over_at_ms is not None), default=None),
        )
        for courier, went in by_courier.items()
    ]


def _rate(received_at_ms: list[int], now_ms: int) -> int | None:
    lately = sorted(at for at in received_at_ms if 0 <= now_ms - at <= 600_000)
    if len(lately) < 5 or lately[-1] - lately[0] < 10_000:
        return None
    return round((len(lately) - 1) * 60_000 / (lately[-1] - lately[0]))


def outcomes(anomaly: AnomalyRow) -> tuple[str, ...]:
    return words.OUTCOMES[anomaly.code]
