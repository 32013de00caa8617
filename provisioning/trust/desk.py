"""The hub's enrolment desk: a request comes in, a machine goes out with a name, certificates and whom to believe.

Everything that must happen together happens in the caller's transaction: the card book and the list of machines are
the hub's tables, so the token is burned exactly when the machine is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives import serialization

from provisioning.trust.ca import issue, read_request
from provisioning.trust.cards import CardRow
from provisioning.trust.enrol import (
    Enrolled,
    EnrolRequest,
    Grant,
    decide_enrol,
    make_answer,
    read_enrol_request,
    spki_hash,
)
from provisioning.trust.identity import make_identity
from provisioning.trust.phrase import check_phrase
from provisioning.trust.site import SiteTrust
from sync.adapters.idgen import Entropy
from sync.kernel.ids import node_name
from sync.kernel.outcome import Refused
from sync.protocol.trust import Identity


class CardBook(Protocol):
    """Cards and node names in the hub's database, inside one write transaction of the caller."""

    def card(self, token_hash: bytes) -> CardRow | None: ...

    def is_taken(self, node: str) -> bool:
        """Whether a node of this name exists or ever did."""
        ...

    def burn(self, token_hash: bytes, *, node: str, digest: bytes, answer: bytes, at_ms: int) -> None:
        """Mark the card used: by which node, for which request, with which answer (told again to the same request)."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where the new machine will find the hub. `mqtt` None: no broker. `server_name`: what the certificates say.

    `hospital`: the name that goes onto its slips.
    """

    sync_url: str
    mqtt: tuple[str, int] | None
    server_name: str
    hospital: str = ""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A machine that is in. The caller stores its row and its facts, unless `repeated`: then they are there already."""

    node: str
    grant: Grant
    request: EnrolRequest
    tls_serial: int
    identity: bytes
    answer: bytes
    phrase: dict[str, tuple[str, str, str, str]]


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same request once more: its answer was lost on the way. Nothing is to be stored."""

    node: str
    answer: bytes
    phrase: dict[str, tuple[str, str, str, str]]


def admit(
    book: CardBook,
    raw: bytes,
    *,
    trust: SiteTrust,
    site: str,
    place: Place,
    epoch: int,
    now_ms: int,
    entropy: Entropy,
) -> Admitted | Repeated | Refused:
    """Answer a request and burn its card. Raises PeerFault for bytes that are wrong; Refused `card.*` burns nothing."""
    request = read_enrol_request(raw, trust.suite)
    row = book.card(request.token_hash)
    if row is not None and row.used_by and row.answer and row.used_digest == request.digest and not row.withdrawn:
        return Repeated(row.used_by, row.answer, check_phrase(raw, row.answer))
    grant = decide_enrol(row, request, site=site, now_ms=now_ms)
    if isinstance(grant, Refused):
        return grant
    node = _fresh_name(book, grant.role, entropy)
    public = read_request(request.csr)
    leaf = issue(trust.authority, public, node, now_ms)
    record = Identity(
        node=node,
        role=grant.role,
        suite=trust.suite.number,
        signing=request.signing,
        sealing=request.sealing,
        tls=spki_hash(public),
        issued_ms=now_ms,
    )
    identity = make_identity(record, hub=trust.hub, epoch=epoch, signing_key=trust.keys.signing, suite=trust.suite)
    enrolled = Enrolled(
        node=node,
        role=grant.role,
        name=grant.name,
        site=site,
        hub=trust.hub,
        certificate=leaf.public_bytes(serialization.Encoding.DER),
        root=trust.authority.certificate_der,
        identity=identity,
        trust=trust.bundle.raw,
        sync_url=place.sync_url,
        mqtt=place.mqtt,
        server_name=place.server_name,
        scopes=grant.scopes,
        hospital=place.hospital,
    )
    answer = make_answer(enrolled, request.digest, trust.authority)
    book.burn(request.token_hash, node=node, digest=request.digest, answer=answer, at_ms=now_ms)
    return Admitted(node, grant, request, leaf.serial_number, identity, answer, check_phrase(raw, answer))


def _fresh_name(book: CardBook, role: str, entropy: Entropy) -> str:
    while book.is_taken(node := node_name(role, entropy.bytes(5))):
        pass
    return node
