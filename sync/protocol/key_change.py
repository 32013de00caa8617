"""A node's new signing key, said by the node: by the key that goes and by the one that comes, over one sentence.

The body is that of the fact `key.changed` and of the message `renew`, so the change can be judged from either alone.
The page has the old key's word in the batch's signature only; batches are cut and signed again with the newer key, and
then nothing of the old one's would be left to check. So it stands in the body.
Source: protocol way/1, section 7.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sync.kernel.ids import pad_node
from sync.kernel.suite import SIGNATURE_BYTES, Suite
from sync.protocol.fields import H8, Fields, H, raw

_CODE = "key.body"
_HEAD_BYTES = 32
"""Of a public key, field 2; what is longer of suite 2's goes on in field 6."""


@dataclass(frozen=True, slots=True)
class KeyChange:
    """`before`: id of the key that goes; `public`: the one that comes. `tls`: SHA-256 of the node's TLS public key.

    What `tls` says goes into the new identity record; it is the node's word, as it was at enrolment.
    """

    before: bytes
    public: bytes
    by_old: bytes
    by_new: bytes
    tls: bytes

    def body(self) -> Mapping[int, Any]:
        """The numbered map."""
        head, rest = self.public[:_HEAD_BYTES], self.public[_HEAD_BYTES:]
        made: dict[int, Any] = {1: self.before, 2: head, 3: self.by_old, 4: self.by_new, 5: self.tls}
        return made | {6: rest} if rest else made

    @classmethod
    def read(cls, body: object) -> KeyChange:
        """Raises PeerFault `key.body`."""
        fields = Fields(body, _CODE)
        rest: bytes = fields.one(6, raw(_HEAD_BYTES), b"")
        return cls(
            before=fields.one(1, H8),
            public=fields.one(2, raw(_HEAD_BYTES)) + rest,
            by_old=fields.one(3, raw(SIGNATURE_BYTES)),
            by_new=fields.one(4, raw(SIGNATURE_BYTES)),
            tls=fields.one(5, H),
        )

    def is_proven(self, suite: Suite, node: str, old_public: bytes) -> bool:
        """Whether both keys say so of this node. `old_public`: the key whose id is `before`."""
        if suite.key_id(old_public) != self.before or self.public == old_public:
            return False
        said = _said(node, self.before, self.public, self.tls)
        return suite.verify(old_public, said, self.by_old) and suite.verify(self.public, said, self.by_new)


def make_change(suite: Suite, node: str, old: bytes, new: bytes, tls: bytes) -> KeyChange:
    """`old`, `new`: the secret keys."""
    before, public = suite.key_id(suite.signing_public(old)), suite.signing_public(new)
    said = _said(node, before, public, tls)
    return KeyChange(before, public, suite.sign(old, said), suite.sign(new, said), tls)


def _said(node: str, before: bytes, public: bytes, tls: bytes) -> bytes:
    return b"way/1 key.changed\0" + pad_node(node) + before + public + tls
