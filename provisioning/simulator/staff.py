"""What administrators do at the hub: machines join, hold other scopes, are shut out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from hub.link.learning import GRANT, Marks, takes_key
from provisioning.simulator.safekeeping import BACKUPS, place_of
from provisioning.simulator.site import Machine
from provisioning.trust.bundle import with_revoked
from sync.adapters.sqlite_log import hub_marks
from sync.adapters.sqlite_log.hub_store import NodeRow, add_node, node_row, set_node_scopes, set_node_state
from sync.adapters.sqlite_log.node_store import Unit
from sync.domain.fleet import facts as fleet
from sync.kernel.outcome import Unavailable
from sync.kernel.suite import suite1
from sync.protocol import message
from sync.protocol.trust import Identity

if TYPE_CHECKING:
    from provisioning.simulator.centre import Centre

COMMON = ("site", "site:stays")


class Staff:
    """Works at one hub."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def act(self, write: Callable[[Unit], None]) -> None:
        """Somebody does something at the hub."""
        centre = self._centre

        def do() -> None:
            try:
                with centre.store.write(actor="u-admin") as unit:
                    write(unit)
            except Unavailable:
                centre.world.hit("refused to a person")

        centre.living(do)

    def identity_of(self, box: Machine) -> bytes:
        centre = self._centre
        identity = Identity(
            box.node, box.role, 1, suite1.signing_public(box.signing), suite1.sealing_public(box.sealing), bytes(32),
            centre.clock.wall_ms(),
        )  # fmt: skip
        return message.make_message(
            message.IDENTITY, identity.body(), signer=centre.node, audience=None, epoch=0,
            signing_key=centre.keys.signing, suite=suite1,
        )  # fmt: skip

    def enrol(self, box: Machine) -> bool:
        """A machine joins, with the scopes of its role."""
        centre, done = self._centre, False

        def do() -> None:
            nonlocal done
            if centre.store.node_row(box.node) is None:
                with centre.store.write(actor="u-admin") as unit:
                    self._add(
                        unit, box.node, box.role, suite1.signing_public(box.signing), suite1.sealing_public(box.sealing)
                    )
            box.trust_path.write_bytes(centre.bundle().raw)
            box.join(self.identity_of(box))
            done = True

        centre.living(partial(_if_the_disk_takes_it, do))
        return done

    def learn(self, raw: bytes) -> bool:
        """A machine known again by its identity record; False for one that was shut out."""
        centre = self._centre
        opened = message.open_message(raw, suite=suite1, keys=lambda _signer, _key_id: centre.public)
        identity = Identity.read(opened.body)
        if any(row.node == identity.node for row in centre.trust.revoked):
            return False
        with centre.store.write(step="node.learn") as unit:
            row = node_row(unit.conn, "node", identity.node)
            if row is not None:
                return takes_key(unit, row, identity, suite1.key_id(identity.signing))
            if row is None:
                self._add(unit, identity.node, identity.role, identity.signing, identity.sealing)
        return True

    def give_scopes(self, node: str, labels: tuple[str, ...]) -> None:
        """Another set of scopes; those of grants stay with the grants."""

        def write(unit: Unit) -> None:
            row = node_row(unit.conn, "node", node)
            if row is None:
                return
            held = (*labels, *(label for label in row.scopes if label.startswith(GRANT)))
            version = set_node_scopes(unit, node, held, self._centre.store.entropy)
            unit.append(fleet.scopes_set(node, version, held))

        self.act(write)

    def revoke(self, box: Machine) -> None:
        """Shut a machine out: database first, then the bundle beside it."""
        centre = self._centre

        def do() -> None:
            if centre.store.node_row(box.node) is None:
                return  # nobody sees a machine that a hub which was put back has yet to learn of
            with centre.store.write(actor="u-admin") as unit:
                set_node_state(unit, box.node, "revoked")
                last_good = hub_marks.set_from_held(unit.conn, box.node)
                unit.append(fleet.revoked(box.node, "lost"))
            row = centre.store.node_row(box.node)
            assert row is not None
            self.shut_out(row, last_good)

        centre.living(partial(_if_the_disk_takes_it, do))

    def shut_out(self, row: NodeRow, last_good: Marks) -> None:
        """The bundle, and what the judges hold the hub to."""
        self._centre.trust = with_revoked(self._centre.trust, row.node, row.key_ids, last_good)
        self._centre.world.ledger.shut_out[row.node] = self._taken_until_now(row.node, last_good)

    def _taken_until_now(self, node: str, last_good: Marks) -> dict[tuple[int, int], int]:
        """What a backup holds was taken before, though a disk that went back unnoticed may have lost it since."""
        taken = {(incarnation, lane): seq for incarnation, lane, seq in last_good}
        if BACKUPS in self._centre.world.plan.faults:
            place = place_of(self._centre)
            for end in (end for backup in place.backups() for end in place.streams(backup) if end.node == node):
                stream = (end.incarnation, end.lane)
                taken[stream] = max(end.upto, taken.get(stream, 0))
        return taken

    def _add(self, unit: Unit, node: str, role: str, signing: bytes, sealing: bytes) -> None:
        add_node(
            unit,
            node=node,
            role=role,
            name=node,
            signing_public=signing,
            sealing_public=sealing,
            key_id=suite1.key_id(signing),
            scopes=scopes_at_first(role),
            tls_serial=None,
            now_ms=self._centre.clock.wall_ms(),
        )


def scopes_at_first(role: str) -> tuple[str, ...]:
    """What a machine of a role holds when it joins."""
    return (*COMMON, "ward:W01") if role == "courier" else (*COMMON, "room:records")


def _if_the_disk_takes_it(act: Callable[[], None]) -> None:
    try:
        act()
    except Unavailable:
        return
