"""The hub's store: everybody's facts as they came, and behind a durable cursor the digest that gives them meaning."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import NodeStore, Unit, set_meta
from sync.adapters.sqlite_log.streams import LaneHead
from sync.kernel import hlc
from sync.kernel.fact import Fact
from sync.kernel.ids import FactId

STANDINGS = ("known", "rewound", "frozen", "revoked", "closed")
COUNTING = ("known", "rewound")


@dataclass(frozen=True, slots=True)
class NodeRow:
    """What the hub keeps of one enrolled machine. `state`: see `STANDINGS`."""

    node: str
    role: str
    name: str
    signing_public: bytes
    sealing_public: bytes
    key_id: bytes
    state: str
    scope_version: int
    scopes: tuple[str, ...]
    seen_at: int
    hello_at: int
    carrier: str | None
    tls_serial: str | None

    @property
    def counts(self) -> bool:
        """Whether what it sends goes into the log."""
        return self.state in COUNTING


class HubStore(NodeStore):
    """Own facts and received ones take the same way: appended, then digested in order of arrival."""

    schemas = ("schema_node.sql", "schema_hub.sql")
    source = "hub"

    def _load(self) -> None:
        super()._load()
        self._arrival_listeners: list[Callable[[], None]] = []
        self._open_unit: Unit | None = None
        self._open_runs: set[int] = set()
        self.epoch = max(1, self.meta_int("hub_epoch"))
        self._conn.execute("INSERT INTO meta (name, value) VALUES ('hub_epoch', ?) ON CONFLICT DO NOTHING", (b"1",))

    def clock_quality(self, believed: bool) -> int:
        return 2 if believed else 0

    def hub_hlc(self, unit: Unit) -> int:
        """Hub time for what arrives in this unit; rises with every call."""
        unit.high = hlc.next_stamp(unit.high, self.believed_wall_ms())
        set_meta(unit.conn, "hlc_high", unit.high)
        return unit.high

    def after_fact(self, unit: Unit, head: LaneHead, fid: FactId, fact: Fact, raw: bytes) -> None:
        row = unit.conn.execute("SELECT pos, stream, last FROM arrival ORDER BY pos DESC LIMIT 1").fetchone()
        if row is not None and row[1] == head.stream and row[2] == head.last - 1 and row[0] in self._own_open(unit):
            unit.conn.execute("UPDATE arrival SET last = ? WHERE pos = ?", (head.last, row[0]))
            return
        begun = unit.conn.execute(
            "INSERT INTO arrival (stream, first, last, hub_hlc) VALUES (?, ?, ?, ?) RETURNING pos",
            (head.stream, head.last, head.last, fact.hlc),
        ).fetchone()
        self._own_open(unit).add(begun[0])

    def _own_open(self, unit: Unit) -> set[int]:
        """Runs this very unit began: only those may grow, the digest has not seen them."""
        if self._open_unit is not unit:
            self._open_unit = unit
            self._open_runs = set()
        return self._open_runs

    def _committed(self, unit: Unit) -> None:
        self._open_unit = None
        for call in self._arrival_listeners:
            call()

    def on_arrival(self, call: Callable[[], None]) -> None:
        """`call` must only set an event: it runs inside the writer's lock after each commit."""
        self._arrival_listeners.append(call)

    def node_row(self, node: str) -> NodeRow | None:
        with self.read() as conn:
            return node_row(conn, "node", node)

    def node_by_key(self, key_id: bytes) -> NodeRow | None:
        with self.read() as conn:
            return node_row(conn, "key_id", key_id)

    def nodes(self) -> list[NodeRow]:
        with self.read() as conn:
            return [_row(r) for r in conn.execute(f"SELECT {_COLUMNS} FROM node ORDER BY node")]


_COLUMNS = (
    "node, role, name, signing_public, sealing_public, key_id, state, scope_version, scopes, seen_at, hello_at, "
    "carrier, tls_serial"
)


def node_row(conn: Connection, column: str, value: str | bytes) -> NodeRow | None:
    assert column in ("node", "key_id")
    row = conn.execute(f"SELECT {_COLUMNS} FROM node WHERE {column} = ?", (value,)).fetchone()
    return None if row is None else _row(row)


def _row(row: Sequence[object]) -> NodeRow:
    values = list(row)
    values[8] = tuple(json.loads(str(values[8])))
    return NodeRow(*values)  # type: ignore[arg-type]  # columns in the order of the fields


def add_node(
    unit: Unit,
    *,
    node: str,
    role: str,
    name: str,
    signing_public: bytes,
    sealing_public: bytes,
    key_id: bytes,
    scopes: Sequence[str],
    tls_serial: str | None,
    now_ms: int,
) -> None:
    """Enrol a machine in the transaction that burns its card. A node name is never reused: a second row is an error."""
    unit.conn.execute(
        "INSERT INTO node (node, role, name, suite, signing_public, sealing_public, key_id, scopes, "
        "tls_serial, enrolled_at) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?)",
        (node, role, name, signing_public, sealing_public, key_id, json.dumps(sorted(scopes)), tls_serial, now_ms),
    )


def set_node_scopes(unit: Unit, node: str, scopes: Sequence[str]) -> int:
    """A new scope set; returns its version, which only rises."""
    unit.conn.execute(
        "UPDATE node SET scope_version = scope_version + 1, scopes = ? WHERE node = ?",
        (json.dumps(sorted(set(scopes))), node),
    )
    return int(unit.conn.execute("SELECT scope_version FROM node WHERE node = ?", (node,)).fetchone()[0])


def set_node_state(unit: Unit, node: str, state: str) -> None:
    assert state in STANDINGS
    unit.conn.execute("UPDATE node SET state = ? WHERE node = ?", (state, node))
