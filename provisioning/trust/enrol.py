"""What a new machine and the hub say to each other, once, and the hub's rule on it. Bytes and values only.

request = map: 1 body, 2 token, 3 HMAC-SHA256(token, H(body)), 4 signature of the new signing key over the body
body    = map: 1 site, 2 role, 3 suite, 4 TLS signing request (PKCS 10), 5 signing key, 6 sealing key, 7 software
answer  = map: 1 body, 2 signature of the site's root (ECDSA, DER) over "way/1 enrolled" 0 H(request) H(body)

The hub keeps only the token's hash, so the token itself travels, under TLS to the authority pinned on the card; the
HMAC binds it to these keys. The root's signature over the answer makes the card's pin vouch for the hub's message
keys too, whatever carried the answer.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from provisioning.trust.ca import (
    Authority,
    check_issued,
    check_signed_by_root,
    pin_of,
    read_certificate,
    read_request,
)
from provisioning.trust.cards import TOKEN_BYTES, CardRow, hash_of
from sync.kernel import canonical
from sync.kernel.ids import NODE_PATTERN, check_label
from sync.kernel.outcome import PeerFault, Refused
from sync.kernel.suite import PUBLIC_BYTES, SIGNATURE_BYTES, Suite
from sync.protocol.fields import Fields, anything, count, is_label, raw, raw_up_to, text

MEDIA_TYPE = "application/cbor"
REQUEST_BYTES_MAX = 8 * 1024
ANSWER_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class EnrolRequest:
    """A request whose proofs hold: keys are the asker's own, token and keys belong together."""

    digest: bytes
    token_hash: bytes
    site: str
    role: str
    csr: bytes
    signing: bytes
    sealing: bytes
    software: str


@dataclass(frozen=True, slots=True)
class Grant:
    """The hub says yes: as what, called what, holding which scope labels."""

    role: str
    name: str
    wards: tuple[str, ...]
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What the machine is told. Certificates in DER; `identity` and `trust` are signed messages of the hub.

    `mqtt`: host and port of the broker, None where there is none. `server_name`: what hub and broker prove to be.
    `hospital`: its name, for screens and slips; empty where the hub has none or is older than the field.
    """

    node: str
    role: str
    name: str
    site: str
    hub: str
    certificate: bytes
    root: bytes
    identity: bytes
    trust: bytes
    sync_url: str
    mqtt: tuple[str, int] | None
    server_name: str
    scopes: tuple[str, ...]
    hospital: str = ""


def scopes_for(role: str, wards: tuple[str, ...]) -> tuple[str, ...]:
    """The labels that a machine of this role starts with, sorted. Raises PeerFault `label` for a bad ward code."""
    own = {"courier": [f"ward:{ward}" for ward in wards], "records": ["room:records"]}[role]
    return tuple(sorted(map(check_label, {"site", "site:people", "site:stays", *own})))


def make_request(
    *,
    site: str,
    role: str,
    token: bytes,
    csr: bytes,
    signing_key: bytes,
    sealing_public: bytes,
    software: str,
    suite: Suite,
) -> bytes:
    """The request; its signature and HMAC say that the same hand holds keys and card."""
    signing_public = suite.signing_public(signing_key)
    body = canonical.encode(
        {1: site, 2: role, 3: suite.number, 4: csr, 5: signing_public, 6: sealing_public, 7: software}
    )
    proof = hmac.digest(token, hashlib.sha256(body).digest(), "sha256")
    return canonical.encode({1: body, 2: token, 3: proof, 4: suite.sign(signing_key, _said_by_node(body))})


def read_enrol_request(data: bytes, suite: Suite) -> EnrolRequest:
    """Strict; `suite` is the site's.

    Raises PeerFault `enrol.body`, `enrol.suite`, `enrol.proof`, `enrol.csr`, `enrol.signature` or `cbor.*`.
    """
    outer = Fields(canonical.decode(data, max_bytes=REQUEST_BYTES_MAX), "enrol.body")
    body: bytes = outer.one(1, raw_up_to(REQUEST_BYTES_MAX))
    token: bytes = outer.one(2, raw(TOKEN_BYTES))
    if not hmac.compare_digest(hmac.digest(token, hashlib.sha256(body).digest(), "sha256"), outer.one(3, raw(32))):
        raise PeerFault("enrol.proof")
    fields = Fields(canonical.decode(body, max_bytes=REQUEST_BYTES_MAX), "enrol.body")
    if fields.one(3, count(255)) != suite.number:
        raise PeerFault("enrol.suite")
    key = raw(PUBLIC_BYTES[suite.number])
    made = EnrolRequest(
        digest=hashlib.sha256(data).digest(),
        token_hash=hash_of(token),
        site=fields.one(1, text(40)),
        role=fields.one(2, text(16)),
        csr=fields.one(4, raw_up_to(2048)),
        signing=fields.one(5, key),
        sealing=fields.one(6, key),
        software=fields.one(7, text(64)),
    )
    if not suite.verify(made.signing, _said_by_node(body), outer.one(4, raw(SIGNATURE_BYTES))):
        raise PeerFault("enrol.signature")
    read_request(made.csr)
    return made


def decide_enrol(row: CardRow | None, request: EnrolRequest, *, site: str, now_ms: int) -> Grant | Refused:
    """Whether this card lets this machine in now. Refused `card.*`; the order is from what says least to most."""
    if row is None or row.token_hash != request.token_hash:
        return Refused("card.unknown")
    if row.withdrawn:
        return Refused("card.withdrawn")
    if row.used_by is not None:
        return Refused("card.used", {"node": row.used_by})
    if now_ms >= row.expires_ms:
        return Refused("card.expired")
    if row.site != site or request.site != site:
        return Refused("card.other-site")
    if row.role != request.role:
        return Refused("card.other-role", {"role": row.role})
    return Grant(row.role, row.name, row.wards, scopes_for(row.role, row.wards))


def make_answer(enrolled: Enrolled, request_digest: bytes, authority: Authority) -> bytes:
    """The answer, signed by the root for exactly this request."""
    body = canonical.encode(
        {
            1: enrolled.node,
            2: enrolled.role,
            3: enrolled.name,
            4: enrolled.site,
            5: enrolled.hub,
            6: enrolled.certificate,
            7: enrolled.root,
            8: enrolled.identity,
            9: enrolled.trust,
            10: enrolled.sync_url,
            11: None if enrolled.mqtt is None else list(enrolled.mqtt),
            12: enrolled.server_name,
            13: list(enrolled.scopes),
            14: enrolled.hospital,
        }
    )
    return canonical.encode({1: body, 2: authority.sign(_said_by_root(request_digest, body))})


def read_answer(data: bytes, *, request_digest: bytes, pin: bytes) -> Enrolled:
    """An answer to this request by the authority of this pin. Raises PeerFault `enrol.*` or `cbor.*`."""
    code = "enrol.answer"
    outer = Fields(canonical.decode(data, max_bytes=ANSWER_BYTES_MAX), code)
    body: bytes = outer.one(1, raw_up_to(ANSWER_BYTES_MAX))
    fields = Fields(canonical.decode(body, max_bytes=ANSWER_BYTES_MAX), code)
    root_der: bytes = fields.one(7, raw_up_to(4096))
    root = read_certificate(root_der)
    if pin_of(root) != pin:
        raise PeerFault("enrol.pin")
    check_signed_by_root(root, _said_by_root(request_digest, body), outer.one(2, raw_up_to(128)))
    broker = fields.one(11, anything)
    mqtt = None if broker is None else fields.columns(11, broker, text(), count(65535))
    node: str = fields.one(1, text(16))
    if not NODE_PATTERN.fullmatch(node):
        raise PeerFault(code, "node")
    return Enrolled(
        node=node,
        role=fields.one(2, text(16)),
        name=fields.one(3, text(60)),
        site=fields.one(4, text(40)),
        hub=fields.one(5, text(16)),
        certificate=fields.one(6, raw_up_to(4096)),
        root=root_der,
        identity=fields.one(8, raw_up_to(ANSWER_BYTES_MAX)),
        trust=fields.one(9, raw_up_to(ANSWER_BYTES_MAX)),
        sync_url=fields.one(10, text()),
        mqtt=None if mqtt is None else (mqtt[0], mqtt[1]),
        server_name=fields.one(12, text()),
        scopes=fields.values(13, is_label),
        hospital=fields.one(14, text(), ""),
    )


def check_leaf(enrolled: Enrolled, tls_public: ec.EllipticCurvePublicKey) -> x509.Certificate:
    """The machine's own certificate: its name, its key, issued by the root. Raises PeerFault `enrol.certificate`."""
    leaf = read_certificate(enrolled.certificate)
    check_issued(leaf, read_certificate(enrolled.root))
    own = leaf.public_key() == tls_public
    if not own or leaf.subject.rfc4514_string() != f"CN={enrolled.node}":
        raise PeerFault("enrol.certificate")
    return leaf


def spki_hash(public: ec.EllipticCurvePublicKey) -> bytes:
    """SHA-256 of a public key (SubjectPublicKeyInfo, DER)."""
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).digest()


def _said_by_node(body: bytes) -> bytes:
    return b"way/1 enrol\0" + hashlib.sha256(body).digest()


def _said_by_root(request_digest: bytes, body: bytes) -> bytes:
    return b"way/1 enrolled\0" + request_digest + hashlib.sha256(body).digest()
