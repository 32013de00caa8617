"""What machines hold by the hub's promise, on their page: grant, agree, refuse, take back, look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hub.store.desk import Desk
from sync.adapters.leases import hub_tables as tables
from sync.adapters.leases.hub_tables import Review, Row, Wish
from sync.adapters.sqlite_log.hub_store import NodeRow
from sync.domain.fleet.facts import NODE
from sync.kernel.outcome import Refused
from sync.protocol.lease import COUNTED, KIND_WORDS, NUMBER, is_resource

UNITS_MAX = 1000
HOURS_MAX = 90 * 24
PURPOSE_CHARS_MAX = 120
LINES_MAX = 100
_KIND_OF = {word: kind for kind, word in KIND_WORDS.items() if kind in COUNTED}


class Office(Protocol):
    """Who grants at the hub."""

    def grant(self, node: NodeRow, wish: Wish, by: str, ask: bytes | None = None) -> bytes | Refused: ...

    def refuse(self, lease: bytes, by: str) -> tuple[str, bytes] | Refused: ...

    def void(self, lease: bytes, by: str) -> tuple[str, bytes] | Refused: ...


@dataclass(frozen=True, slots=True)
class Line:
    """One lease of a machine. `state`: asked, open, void. `units` 0: not counted. `left_s` None: no term."""

    id: str
    kind: str
    resource: str
    state: str
    used: int
    units: int
    left_s: int | None
    purpose: str


@dataclass(frozen=True, slots=True)
class Section:
    """What stands on a machine's page."""

    lines: tuple[Line, ...]
    asked: tuple[Line, ...]
    reviews: tuple[Review, ...]


class Leases:
    def __init__(self, desk: Desk, office: Office, deliver: Callable[[str, Sequence[bytes]], None]) -> None:
        """`deliver(node, messages)`: to a machine that asked nothing; one that is away hears with its next hello."""
        self._desk = desk
        self._office = office
        self._deliver = deliver

    def section(self, node: str) -> Section:
        with self._desk.store.read() as conn:
            rows = tables.of_node(conn, node, (tables.ASKED, tables.OPEN, tables.VOID))
            reviews = tables.reviews(conn, node)
        lines = [self._line(row) for row in rows[-LINES_MAX:]]
        return Section(
            tuple(line for line in lines if line.state != tables.ASKED),
            tuple(line for line in lines if line.state == tables.ASKED),
            tuple(reviews),
        )

    def grant(
        self, node: str, kind: str, resource: str, units: int, hours: int, offline_hours: int, purpose: str, actor: str
    ) -> Refused | None:
        """Reads, prints or break-glass for a machine, unasked. Refused `lease.*`, `node.gone`."""
        row = self._desk.store.node_row(node)
        purpose = purpose.strip()
        if row is None:
            return Refused("node.gone")
        if kind not in _KIND_OF:
            return Refused("lease.kind")
        if not is_resource(resource):
            return Refused("lease.resource")
        if not (1 <= units <= UNITS_MAX and 1 <= offline_hours <= hours <= HOURS_MAX):
            return Refused("lease.bounds", {"units": UNITS_MAX, "hours": HOURS_MAX})
        if not 1 <= len(purpose) <= PURPOSE_CHARS_MAX or not purpose.isprintable():
            return Refused("lease.purpose")
        wish = Wish(_KIND_OF[kind], resource, units, hours * 3600, offline_hours * 3600, purpose=purpose)
        return self._granted(row, wish, actor, None)

    def agree(self, lease: str, actor: str) -> str | Refused:
        """Grant what a machine asks for, as it asked; its name."""
        found = self._row(lease)
        if found is None or found.state != tables.ASKED:
            return Refused("lease.not-waiting")
        node = self._desk.store.node_row(found.node)
        assert node is not None, "a row is written for machines that are known"
        ask = found.ask()
        lasts_s = min(max(ask.lasts_s, 60), HOURS_MAX * 3600)
        units = min(max(ask.units, 1), UNITS_MAX)
        wish = Wish(ask.kind, ask.resource, units, lasts_s, lasts_s, ask.actor, ask.role, ask.purpose)
        return self._granted(node, wish, actor, found.id) or found.node

    def refuse(self, lease: str, actor: str) -> str | Refused:
        """Say no to what a machine asks for; its name."""
        return self._told(lease, actor, self._office.refuse)

    def void(self, lease: str, actor: str) -> str | Refused:
        """Take a lease back; the machine's name."""
        return self._told(lease, actor, self._office.void)

    def looked(self, about: str, code: str, actor: str) -> Refused | None:
        """Somebody looked at one thing of the list."""
        with self._desk.write(actor) as unit:
            if not tables.settle_review(unit.conn, about, code, actor):
                return Refused("lease.looked")
            self._desk.note(unit, "lease.looked", etype=NODE, detail=code)
        return None

    def _granted(self, node: NodeRow, wish: Wish, actor: str, ask: bytes | None) -> Refused | None:
        word = self._office.grant(node, wish, actor, ask)
        if isinstance(word, Refused):
            return word
        self._deliver(node.node, [word])
        return None

    def _told(self, lease: str, actor: str, act: Callable[[bytes, str], tuple[str, bytes] | Refused]) -> str | Refused:
        found = self._row(lease)
        if found is None:
            return Refused("lease.unknown")
        done = act(found.id, actor)
        if isinstance(done, Refused):
            return done
        self._deliver(done[0], [done[1]])
        return done[0]

    def _row(self, lease: str) -> Row | None:
        try:
            name = bytes.fromhex(lease)
        except ValueError:
            return None
        with self._desk.store.read() as conn:
            return tables.by_id(conn, name)

    def _line(self, row: Row) -> Line:
        if row.state == tables.ASKED:
            ask = row.ask()
            return Line(
                row.id.hex(),
                KIND_WORDS[row.kind],
                row.resource,
                row.state,
                0,
                ask.units,
                ask.lasts_s or None,
                ask.purpose,
            )
        lease = row.lease()
        spent_s = max(0, self._desk.now_ms() - row.granted_ms) // 1000
        left_s = max(0, lease.lasts_s - spent_s) if lease.lasts_s else None
        used = row.used if row.kind in COUNTED or row.kind == NUMBER else 0
        return Line(
            row.id.hex(), KIND_WORDS[row.kind], row.resource, row.state, used, lease.units, left_s, lease.purpose
        )
