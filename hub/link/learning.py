"""Machines, as a hub that was put back learns them again.

A machine that it enrolled and has forgotten brings the hub's own signed word. The list of machines is no fact; what the
hub's own facts say of it since the backup is brought into it. In ordinary service list and fact are written in one
commit, so there is nothing to bring.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from provisioning.trust.enrol import scopes_for
from provisioning.trust.site import SiteTrust
from sync.adapters.sqlite_log import hub_keys, hub_marks
from sync.adapters.sqlite_log.hub_keys import NodeKey
from sync.adapters.sqlite_log.hub_store import (
    HubStore,
    NodeRow,
    add_node,
    add_tls_serial,
    node_row,
    put_node_scopes,
    set_node_state,
    shut_out_again,
)
from sync.adapters.sqlite_log.node_store import Change, Unit
from sync.domain.fleet import facts
from sync.domain.fleet.fold import REVOKED
from sync.protocol.trust import Identity

Marks = list[tuple[int, int, int]]
SHUT = ("revoked", "closed")
GRANT = "grant:"


def learn_again(store: HubStore, trust: SiteTrust, record: bytes) -> bool:
    """Whether the identity record is this site's own, of a box; the box is a member then, and the key in it is its.

    Two workers may be shown it at the same moment.
    """
    identity = trust.knows(record)
    if identity is None or identity.role not in ("courier", "records"):
        return False
    key_id = trust.suite.key_id(identity.signing)
    held = store.node_row(identity.node)
    if held is not None and held.key(key_id) is not None:
        return True  # shown more often than asked for: nothing is written
    with store.write(step="node.learn") as unit:
        row = node_row(unit.conn, "node", identity.node, held=True)
        if row is not None:
            return takes_key(unit, row, identity, key_id)
        known = unit.state(facts.NODE, identity.node)
        add_node(
            unit,
            node=identity.node,
            role=identity.role,
            name=(known.display_name if known else "") or identity.node,
            signing_public=identity.signing,
            sealing_public=identity.sealing,
            key_id=key_id,
            scopes=scopes_for(identity.role, ()),
            tls_serial=None,
            now_ms=store.clock.wall_ms(),
            learnt=True,
        )
        bring_up(unit, identity.node, known)
        row = node_row(unit.conn, "node", identity.node, held=True)
        return row is not None and takes_key(unit, row, identity, key_id)


def certify_again(store: HubStore, trust: SiteTrust, node: str, last: bytes) -> bytes:
    """The next certificate of a machine, noted with its row before it is told. Raises PeerFault `certify.*`."""
    leaf = trust.certify(node, last, store.clock.wall_ms())
    with store.write(step="node.leaf") as unit:
        add_tls_serial(unit, node, f"{leaf.serial_number:x}")
    return leaf.public_bytes(Encoding.DER)


def takes_key(unit: Unit, row: NodeRow, identity: Identity, key_id: bytes) -> bool:
    """Whether the key that the hub once signed for is the machine's: known, or taken now."""
    key = NodeKey(key_id, identity.signing, identity.issued_ms, None, identity.tls)
    return row.key(key_id) is not None or hub_keys.take(unit.conn, row.node, key)


def bring_up(unit: Unit, node: str, state: Any) -> bool:
    """Shut out who was shut out since, and give a machine the scopes it has since. True: something changed."""
    row = node_row(unit.conn, "node", node)
    if row is None or state is None:
        return False
    changed = False
    if state.status == REVOKED and row.state not in SHUT:
        set_node_state(unit, node, "revoked")
        changed = True
    if state.scope_version > row.scope_version:
        granted = [label for label in row.scopes if label.startswith(GRANT)]
        put_node_scopes(unit, node, state.scope_version, [*state.labels, *granted])
        changed = True
    return changed


def agree_on_shut_out(store: HubStore, named: Collection[str], shut_out: Callable[[NodeRow, Marks], object]) -> None:
    """At a start: who is shut out by the signed trust (`named`) is so in the list of machines, and the other way round.

    The list is first when a machine is shut out; a process that died then left a trust behind that does not know.
    """
    shut_out_again(store, named)
    for row in store.nodes():
        if row.state == "revoked" and row.node not in named:
            with store.read() as conn:
                marks = hub_marks.marks(conn, row.node)
            shut_out(row, marks)


def follow_machines(unit: Unit, change: Change, state: Any) -> bool:
    """In the digest's own transaction. True: the list of machines changed."""
    if change.etype != facts.NODE or change.fact is None or change.fact.kind not in (facts.REVOKED, facts.SCOPES_SET):
        return False
    return bring_up(unit, str(change.key), state)
