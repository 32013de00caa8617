"""A machine that this hub enrolled and has forgotten brings the hub's own signed word, and is known again."""

from __future__ import annotations

from provisioning.trust.enrol import scopes_for
from provisioning.trust.site import SiteTrust
from sync.adapters.sqlite_log.hub_store import HubStore, add_node
from sync.kernel.suite import suite1


def learn_again(store: HubStore, trust: SiteTrust, record: bytes) -> bool:
    """Whether the identity record is this site's own, of a box; the box is a member then."""
    identity = trust.knows(record)
    if identity is None or identity.role not in ("courier", "records"):
        return False
    with store.write(step="node.learn") as unit:
        if store.node_row(identity.node) is None:
            add_node(
                unit,
                node=identity.node,
                role=identity.role,
                name=identity.node,
                signing_public=identity.signing,
                sealing_public=identity.sealing,
                key_id=suite1.key_id(identity.signing),
                scopes=scopes_for(identity.role, ()),
                tls_serial=None,
                now_ms=store.clock.wall_ms(),
            )
    return True
