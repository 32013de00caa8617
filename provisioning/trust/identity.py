"""The identity record: the hub's signed word on who a node is. The node keeps it; a hub that forgot it reads it again.

Source: protocol way/1, section 1.
"""

from __future__ import annotations

from sync.kernel.outcome import PeerFault
from sync.kernel.suite import Suite
from sync.protocol import message
from sync.protocol.trust import Identity, Trust


def make_identity(identity: Identity, *, hub: str, epoch: int, signing_key: bytes, suite: Suite) -> bytes:
    """The signed record, addressed to its node: it pins the site's suite, which it is signed with."""
    assert identity.suite == suite.number
    return message.make_message(
        message.IDENTITY,
        identity.body(),
        signer=hub,
        audience=identity.node,
        epoch=epoch,
        signing_key=signing_key,
        suite=suite,
    )


def read_identity(raw: bytes, trust: Trust, suite: Suite) -> Identity:
    """A record by one of the hub's keys, old or new. Raises PeerFault `message.*` or `identity.*`.

    A revoked node's record is refused (`identity.revoked`): it must not come back through a hub that forgot it.
    """
    header = message.parse_short_header(raw)
    if header.type != message.IDENTITY:
        raise PeerFault("identity.type")
    opened = message.open_message(raw, suite=suite, keys=lambda _, key_id: trust.hub_key(key_id))
    identity = Identity.read(opened.body)
    if opened.audience != identity.node:
        raise PeerFault("identity.audience")
    if identity.suite != suite.number:
        raise PeerFault("identity.suite")
    if any(row.node == identity.node for row in trust.revoked):
        raise PeerFault("identity.revoked")
    return identity
