"""The hub's store: everybody's facts as they came, and behind a durable cursor the digest that gives them meaning."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sync.adapters.idgen import Entropy
from sync.adapters.sqlite_log import hub_keys
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.node_store import NodeStore, Unit
from sync.adapters.sqlite_log.streams import LaneHead
from sync.kernel import hlc
from sync.kernel.fact import Fact
from sync.kernel.ids import FactId

STANDINGS = ("known", "rewound", "frozen", "revoked", "closed")
COUNTING = ("known", "rewound")
SCOPE_STEP_BYTES = 3
SERIALS_KEPT = 8
"""A certificate is good for 90 days and renewed after 45; a machine that asks more often is none of a calm one."""
_NO_RUN = (0, 0, 0)
"""(pos, stream, last) of a run that does not exist."""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """What the hub keeps of one enrolled machine. `state`: see `STANDINGS`.

    `tls_serial`: of its certificates, hexadecimal, oldest first, with a space between.
    `signing_public`, `key_id`: of the first key that it was known by; `keys`: all of them, once there was another.
    """

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
    keys: tuple[hub_keys.NodeKey, ...] = ()

    def key(self, key_id: bytes) -> hub_keys.NodeKey | None:
        """A signing key that is or was this machine's."""
        if not self.keys and key_id == self.key_id:
            return hub_keys.NodeKey(self.key_id, self.signing_public, 0, None)
        return next((key for key in self.keys if key.key_id == key_id), None)

    def public(self, key_id: bytes, now_ms: int) -> bytes | None:
        """The public key of that id, where it counts at this hub time."""
        found = self.key(key_id)
        return found.public if found is not None and found.counts(now_ms) else None

    @property
    def key_ids(self) -> tuple[bytes, ...]:
        """Of every key that was ever this machine's."""
        return tuple(key.key_id for key in self.keys) or (self.key_id,)

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
        self._open_run = _NO_RUN
        self._turn = 0
        self.reread_turn = 0  # the turn to digest in which nothing was left to fold again
        self._leader: Connection | None = None
        self._conn.execute("INSERT INTO meta (name, value) VALUES ('hub_epoch', ?) ON CONFLICT DO NOTHING", (b"1",))
        self.epoch = max(1, self.meta_int("hub_epoch"))
        self.high = max(self.high, newest_hlc(self._conn))

    @property
    def shared(self) -> bool:
        """Whether other workers may write to the same tables."""
        return bool(self._conn.for_update)

    def digest_turn(self) -> int | None:
        """A number that stays as long as this worker is the one that digests; None while another is.

        The turn is held for as long as the writing connection lives and passes on when that ends, so whoever holds it
        may keep in memory what only the digest changes, until the number changes.
        """
        with self._lock:
            conn = self._writer()
            if self._leader is not conn and conn.lead():
                self._leader = conn
                self._turn += 1
            return self._turn if self._leader is conn else None

    @property
    def leads(self) -> bool:
        """Whether the last `digest_turn` was given to this worker and its connection still stands."""
        return self._leader is self._conn

    def follow_epoch(self) -> None:
        """Take over an epoch that another worker of this hub has raised."""
        self.epoch = max(self.epoch, self.meta_int("hub_epoch"))

    def clock_quality(self, believed: bool) -> int:
        return 2 if believed else 0

    def hub_hlc(self, unit: Unit) -> int:
        """Hub time for what arrives in this unit; rises with every call."""
        unit.high = hlc.next_stamp(unit.high, self.believed_wall_ms())
        return unit.high

    def arrive(self, unit: Unit, stream: int, first: int, last: int, hub_hlc: int, header: bytes | None = None) -> int:
        """A run of facts was appended: it waits for the digest. Returns its place in the order of arrival."""
        row = unit.conn.execute(
            "INSERT INTO arrival (stream, first, last, hub_hlc, header) VALUES (?, ?, ?, ?, ?) RETURNING pos",
            (stream, first, last, hub_hlc, header),
        ).fetchone()
        unit.conn.execute(
            "INSERT INTO undigested (pos, stream, first, last, hub_hlc) VALUES (?, ?, ?, ?, ?)",
            (row[0], stream, first, last, hub_hlc),
        )
        return int(row[0])

    def after_fact(self, unit: Unit, head: LaneHead, fid: FactId, fact: Fact, row: Sequence[Any] | None) -> None:
        pos, stream, last = self._open_run if self._open_unit is unit else _NO_RUN
        if stream == head.stream and last == head.last - 1:
            # Begun by this very unit, so the digest has not seen it.
            for table in ("arrival", "undigested"):
                unit.conn.execute(f"UPDATE {table} SET last = ? WHERE pos = ?", (head.last, pos))
        else:
            pos = self.arrive(unit, head.stream, head.last, head.last, fact.hlc)
        self._open_unit, self._open_run = unit, (pos, head.stream, head.last)

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
            changed = {row[0] for row in conn.execute("SELECT DISTINCT node FROM node_key")}
            rows = [_row(r) for r in conn.execute(f"SELECT {_COLUMNS} FROM node ORDER BY node").fetchall()]
            return [replace(row, keys=hub_keys.keys_of(conn, row.node)) if row.node in changed else row for row in rows]


def newest_hlc(conn: Connection) -> int:
    """The latest hub time that anything arrived at; several workers' last runs stand close together."""
    row = conn.execute(
        "SELECT max(hub_hlc) FROM (SELECT hub_hlc FROM arrival ORDER BY pos DESC LIMIT 1000) AS newest"
    ).fetchone()
    return int(row[0] or 0)


_COLUMNS = (
    "node, role, name, signing_public, sealing_public, key_id, state, scope_version, scopes, seen_at, hello_at, "
    "carrier, tls_serial"
)


def node_row(conn: Connection, column: str, value: str | bytes, *, held: bool = False) -> NodeRow | None:
    """`held`: no other worker changes the machine, its keys included, until this transaction ends."""
    assert column in ("node", "key_id")
    more = conn.for_update if held else ""
    row = conn.execute(f"SELECT {_COLUMNS} FROM node WHERE {column} = ?{more}", (value,)).fetchone()
    return None if row is None else replace(_row(row), keys=hub_keys.keys_of(conn, str(row[0])))


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
    learnt: bool = False,
) -> None:
    """Enrol a machine in the transaction that burns its card. A node name is never reused: a second row is an error.

    `learnt`: it was enrolled long ago, and another worker may learn it at the same moment; then that row stays.
    """
    unit.conn.execute(
        "INSERT INTO node (node, role, name, suite, signing_public, sealing_public, key_id, scopes, "
        "tls_serial, enrolled_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" + " ON CONFLICT DO NOTHING" * learnt,
        (
            node,
            role,
            name,
            unit.suite.number,
            signing_public,
            sealing_public,
            key_id,
            json.dumps(sorted(scopes)),
            tls_serial,
            now_ms,
        ),
    )


def add_tls_serial(unit: Unit, node: str, serial: str) -> None:
    """One more certificate of a machine; those before may still be good, so each is withdrawn when it is shut out."""
    row = unit.conn.execute("SELECT tls_serial FROM node WHERE node = ?", (node,)).fetchone()
    held = (row[0] or "").split()[1 - SERIALS_KEPT :]
    unit.conn.execute("UPDATE node SET tls_serial = ? WHERE node = ?", (" ".join([*held, serial]), node))


def set_node_scopes(unit: Unit, node: str, scopes: Sequence[str], entropy: Entropy) -> int:
    """A new scope set; returns its version, which only rises."""
    row = unit.conn.execute("SELECT scope_version FROM node WHERE node = ?", (node,)).fetchone()
    version = scope_version_above(int(row[0]), entropy)
    put_node_scopes(unit, node, version, scopes)
    return version


def scope_version_above(version: int, entropy: Entropy) -> int:
    """Not the next number but a drawn one: a hub that was put back must not give a set the number of another set.

    Hub and machine would take the two for one, and nothing else compares them.
    """
    return version + 1 + int.from_bytes(entropy.bytes(SCOPE_STEP_BYTES), "big")


def put_node_scopes(unit: Unit, node: str, version: int, scopes: Sequence[str]) -> None:
    """A scope set under the version that it had."""
    unit.conn.execute(
        "UPDATE node SET scope_version = ?, scopes = ? WHERE node = ? AND scope_version < ?",
        (version, json.dumps(sorted(set(scopes))), node, version),
    )


def shut_out_again(store: HubStore, nodes: Collection[str]) -> None:
    """Shut out machines that the trust bundle names as revoked and a database that was put back does not."""
    known = {row.node for row in store.nodes() if row.state not in ("revoked", "closed")}
    if known.isdisjoint(nodes):
        return
    with store.write(step="revoked.again") as unit:
        for node in nodes:
            if node in known:
                set_node_state(unit, node, "revoked")


def set_node_state(unit: Unit, node: str, state: str) -> None:
    assert state in STANDINGS
    unit.conn.execute("UPDATE node SET state = ? WHERE node = ?", (state, node))
