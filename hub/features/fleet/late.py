"""What came of a machine after it was shut out: kept aside, until an operator lets it count up to a number."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hub.store.desk import Desk
from provisioning.trust.site import SiteTrust
from sync.adapters.sqlite_log import hub_marks
from sync.adapters.sqlite_log.hub_marks import Late
from sync.domain.fleet import facts
from sync.kernel.outcome import Refused

Take = Callable[[Sequence[bytes]], int]
"""Batches through the door, checked like any other; how many facts were new."""


class LateFacts:
    def __init__(self, desk: Desk, trust: SiteTrust, take: Take, trust_changed: Callable[[], None]) -> None:
        self._desk = desk
        self._trust = trust
        self._take = take
        self._trust_changed = trust_changed

    def view(self, node: str) -> list[Late]:
        """By stream, how far what came afterwards follows on without a gap."""
        with self._desk.store.read() as conn:
            return hub_marks.late(conn, node)

    def let_count(self, node: str, incarnation: int, lane: int, upto: int, reason: str, actor: str) -> Refused | int:
        """Raise a stream's mark to `upto`, the end of a batch that came, and take what lies below it.

        The new bundle tells every machine. Refused `node.gone`, `node.reason`, `stream.nothing-late`.
        """
        reason = reason.strip()
        if not 1 <= len(reason) <= 200 or not reason.isprintable():
            return Refused("node.reason")
        row = self._desk.store.node_row(node)
        if row is None or row.state != "revoked":
            return Refused("node.gone")
        with self._desk.write(actor) as unit:
            late = hub_marks.late(unit.conn, node)
            found = [one for one in late if (one.incarnation, one.lane) == (incarnation, lane)]
            if not found or not found[0].held < upto <= found[0].last:
                return Refused("stream.nothing-late")
            hub_marks.set_mark(unit.conn, node, incarnation, lane, upto)
            batches = hub_marks.batches(unit.conn, node, incarnation, lane, upto)
            marks = hub_marks.marks(unit.conn, node)
            detail = f"{lane} {upto} {reason}"[:400]
            self._desk.note(unit, "node.mark-raised", etype=facts.NODE, key=node, detail=detail)
        self._trust.raise_marks(node, epoch=self._desk.store.epoch, last_good=marks)
        self._trust_changed()
        taken = self._take(batches)
        with self._desk.write(actor) as unit:
            hub_marks.drop(unit.conn, node, incarnation, lane)
        return taken
