"""What an operator decides about a machine's history: restored or copied, stopped streams, what is given up as lost.

Each act is a row, an order to the machine where it must hear of it, and a line of the audit list, in one commit.
"""

from __future__ import annotations

from collections.abc import Callable

from hub.features.fleet import store
from hub.features.fleet.ledger import read_hello
from hub.store.desk import Desk
from sync.adapters.sqlite_log import hub_holes, hub_keys, hub_lineage, hub_orders
from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.hub_orders import Loss, Stopped
from sync.adapters.sqlite_log.hub_store import NodeRow, set_node_state
from sync.domain.fleet import facts
from sync.kernel.outcome import Refused
from sync.protocol.notices import DISCARD, REISSUE, Order

CHOICES = {"reissue": REISSUE, "discard": DISCARD}
Tell = Callable[[str, Order | None], None]
"""(node, order) -> told at once where the line allows it; None asks the node to greet."""


class Acts:
    def __init__(self, desk: Desk, tell: Tell) -> None:
        self._desk = desk
        self._tell = tell

    def judge(self, node: str, verdict: str, actor: str) -> Refused | None:
        """What a rewound machine's second past was: `restored` or `copied`. Refused `node.not-rewound`, `node.verdict`.

        Restored: it works on as before. Copied: both disks hold one key, so it stays marked until it is closed.
        """
        if verdict not in hub_lineage.VERDICTS:
            return Refused("node.verdict")
        with self._desk.write(actor) as unit:
            if not hub_lineage.settle(unit, node, verdict, actor, self._desk.now_ms()):
                return Refused("node.not-rewound")
            self._desk.note(unit, f"node.{verdict}", etype=facts.NODE, key=node)
        return None

    def undrained(self, row: NodeRow) -> int | None:
        """Facts that a copied machine's halves told of and this hub has not; None: it is not one that may be closed.

        A stream that is stopped counts as one: what lies beyond it is not known.
        """
        with self._desk.store.read() as conn:
            verdicts = [fork.verdict for fork in hub_lineage.forks(conn) if fork.node == row.node]
            if row.state != "rewound" or None in verdicts or "copied" not in verdicts:
                return None
            runs = hub_orders.missing(conn, row.node, ())
            return sum(last - first + 1 for *_, first, last in runs) + len(hub_orders.stopped(conn, row.node))

    def hold(self, node: str, actor: str, *, freeze: bool) -> Refused | None:
        """Take nothing more from a machine for now, or go on. It works on and keeps everything. Refused `node.gone`."""
        row = self._desk.store.node_row(node)
        if row is None or (row.state == "frozen") == freeze or row.state in ("revoked", "closed"):
            return Refused("node.gone")
        with self._desk.write(actor) as unit:
            after = "rewound" if hub_lineage.has_open_fork(unit.conn, node) else "known"
            set_node_state(unit, node, "frozen" if freeze else after)
            order = hub_orders.hold(unit, node, actor, self._desk.now_ms(), freeze=freeze)
            self._desk.note(unit, "node.frozen" if freeze else "node.thawed", etype=facts.NODE, key=node)
        self._tell(node, order)
        return None

    def renew_key(self, node: str, actor: str) -> Refused | None:
        """Have a machine change its signing key at its next greeting. Refused `node.gone`, `node.key-asked`."""
        row = self._desk.store.node_row(node)
        if row is None or not row.counts:
            return Refused("node.gone")
        if self.key_asked(row):
            return Refused("node.key-asked")
        with self._desk.write(actor) as unit:
            hub_keys.ask(unit.conn, node, row.key_ids[-1])
            self._desk.note(unit, "node.key-asked", etype=facts.NODE, key=node)
        self._tell(node, None)
        return None

    def key_asked(self, row: NodeRow) -> bool:
        """Whether a machine is to change its key and has not yet."""
        with self._desk.store.read() as conn:
            return hub_keys.is_asked(conn, row.node, row.key_ids[-1])

    def thaw(self, node: str, incarnation: int, lane: int, choice: str, reason: str, actor: str) -> Refused | None:
        """End a stopped stream: `reissue` what lies beyond it, or `discard` what is known of it, with a reason.

        Refused `stream.not-stopped`, `stream.choice`, `node.reason`.
        """
        reason = reason.strip()
        if choice not in CHOICES:
            return Refused("stream.choice")
        if choice == "discard" and not (1 <= len(reason) <= 200 and reason.isprintable()):
            return Refused("node.reason")
        with self._desk.write(actor) as unit:
            found = [
                one for one in hub_orders.stopped(unit.conn, node) if (one.incarnation, one.lane) == (incarnation, lane)
            ]
            if not found:
                return Refused("stream.not-stopped")
            hub_orders.thaw(unit, node, found[0], CHOICES[choice], actor, self._desk.now_ms(), reason)
            self._desk.note(unit, f"stream.{choice}", etype=facts.NODE, key=node, detail=f"{lane} {reason}"[:400])
        self._desk.settle()
        self._tell(node, None)
        return None

    def report_loss(self, node: str, reason: str, actor: str) -> Refused | None:
        """Sign that what this machine once told of and no longer has will never come.

        Refused `node.reason`, `node.nothing-missing`.
        """
        reason = reason.strip()
        if not (1 <= len(reason) <= 200 and reason.isprintable()):
            return Refused("node.reason")
        with self._desk.write(actor) as unit:
            holes = hub_holes.holes(unit.conn, node)
            runs = self.missing(unit.conn, node)
            if not runs:
                return Refused("node.nothing-missing")
            for incarnation, lane, first, last in runs:
                why = "hole" if (incarnation, lane, first, last) in holes else "rewound"
                unit.append(facts.loss_reported(node, incarnation, lane, first, last, why, reason))
            told = sum(last - first + 1 for _, _, first, last in runs)
            self._desk.note(unit, "loss.reported", etype=facts.NODE, key=node, detail=f"{told} {reason}"[:400])
        self._desk.settle()
        self._tell(node, None)
        return None

    def missing(self, conn: Connection, node: str) -> list[tuple[int, int, int, int]]:
        """(incarnation, lane, first, last) of what a machine told of and can send no more: holes, forks, shut out."""
        row = self._desk.store.node_row(node)
        if row is None:
            return []
        if row.state in ("revoked", "closed"):
            return hub_orders.missing(conn, node, ())
        holes = hub_holes.holes(conn, node)
        if not hub_lineage.forks(conn, node):
            return holes
        hello = read_hello(store.hellos(conn).get(node))
        named = () if hello is None else tuple((each.incarnation, each.lane) for each in hello.streams)
        return holes + [run for run in hub_orders.missing(conn, node, named) if run[:2] not in {h[:2] for h in holes}]

    def view(self, node: str) -> tuple[list[Stopped], list[tuple[int, int, int, int]], list[Loss]]:
        """(stopped streams, runs that are missing, losses signed) of one machine."""
        with self._desk.store.read() as conn:
            return hub_orders.stopped(conn, node), self.missing(conn, node), hub_orders.losses(conn, node)

    def losses(self) -> list[Loss]:
        """All that is missing by an operator's word."""
        with self._desk.store.read() as conn:
            return hub_orders.losses(conn)
