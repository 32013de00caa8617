"""Produced = received + still there, per machine, from what it told in its hello and what the hub holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hub.features.fleet.store import StreamRow
from kiosk_ui.kit.screens.ledger import LedgerView
from sync.kernel import canonical
from sync.kernel.outcome import PeerFault
from sync.protocol import message
from sync.protocol.hello import Hello, HelloStream

LANES = {0: "control", 1: "live", 2: "bulk"}


@dataclass(frozen=True, slots=True)
class StreamLine:
    """One stream. `told`: what the machine said it wrote, and never less than what arrived.

    `missing`: the hub has less than the machine has an acknowledgement for.
    """

    incarnation: int
    lane: int
    told: int
    received: int
    missing: bool
    frozen: bool
    rejects: int

    @property
    def waiting(self) -> int:
        return 0 if self.missing else self.told - self.received


@dataclass(frozen=True, slots=True)
class Ledger:
    """One machine's books."""

    streams: tuple[StreamLine, ...]

    @property
    def produced(self) -> int:
        return sum(one.told for one in self.streams)

    @property
    def received(self) -> int:
        return sum(one.received for one in self.streams)

    @property
    def waiting(self) -> int:
        return sum(one.waiting for one in self.streams)

    @property
    def missing(self) -> int:
        return self.produced - self.received - self.waiting

    @property
    def rejects(self) -> int:
        return sum(one.rejects for one in self.streams)

    @property
    def frozen(self) -> bool:
        return any(one.frozen for one in self.streams)

    @property
    def first_missing(self) -> str | None:
        return next((f"{one.lane}/{one.received + 1:04d}" for one in self.streams if one.missing), None)

    def view(self) -> LedgerView:
        return LedgerView(self.produced, self.received, self.waiting, self.first_missing)


def read_hello(raw: bytes | None) -> Hello | None:
    """A stored hello; its signature was checked at the door."""
    if raw is None:
        return None
    try:
        return Hello.read(canonical.decode(raw[message.SIGNED_BYTES :]))
    except PeerFault:
        return None


def books(held: Iterable[StreamRow], hello: Hello | None) -> Ledger:
    told = {} if hello is None else {(one.incarnation, one.lane): one for one in hello.streams}
    found = []
    for row in held:
        said = told.pop((row.incarnation, row.lane), None)
        found.append(_line(row.incarnation, row.lane, row.last, row.state == 1, row.rejects, said))
    found += [_line(said.incarnation, said.lane, 0, False, 0, said) for said in told.values()]
    return Ledger(tuple(found))


def _line(
    incarnation: int, lane: int, received: int, frozen: bool, rejects: int, said: HelloStream | None
) -> StreamLine:
    produced = max(received, said.last) if said else received
    missing = said is not None and said.acked > received
    return StreamLine(incarnation, lane, produced, received, missing, frozen, rejects)


def together(ledgers: Iterable[Ledger]) -> Ledger:
    """All machines as one."""
    return Ledger(tuple(line for one in ledgers for line in one.streams))
