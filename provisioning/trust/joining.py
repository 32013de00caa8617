"""The new machine's side: scan a card, make keys, ask, check every word of the answer, keep it.

Asking again after a lost answer or a power cut sends the very same request, so the hub can tell the same answer again;
the request is kept in the key folder until the identity record is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from provisioning.trust.bundle import Bundle, read_bundle, save_bundle
from provisioning.trust.ca import make_request as make_csr
from provisioning.trust.cards import Card
from provisioning.trust.enrol import (
    Enrolled,
    check_leaf,
    make_request,
    read_answer,
    read_enrol_request,
    spki_hash,
)
from provisioning.trust.identity import read_identity
from provisioning.trust.node_keys import NodeKeys, make_keys
from provisioning.trust.phrase import check_phrase
from sync.adapters.idgen import Entropy
from sync.adapters.keys import load_secret, write_whole
from sync.adapters.keys.suites import suite_of
from sync.kernel.outcome import PeerFault, Refused, Unavailable

_REQUEST_FILE = "enrol.request"

Ask = Callable[[bytes], bytes | Refused]
"""Carries a request to the hub and brings the answer, or its refusal. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class Joined:
    """What the machine now is, and the words to compare with the hub's screen."""

    enrolled: Enrolled
    keys: NodeKeys
    bundle: Bundle
    phrase: dict[str, tuple[str, str, str, str]]


def join(folder: Path, card: Card, ask: Ask, *, software: str, now_ms: int, entropy: Entropy) -> Joined | Refused:
    """Make this machine part of the card's site; `folder` is its key folder.

    Refused `card.*` by the hub's rule or `enrol.joined-already`. Raises PeerFault when the answer is not what the card
    vouches for (nothing is kept then), Unavailable when the hub cannot be reached: ask again with the same card.
    """
    keys = make_keys(folder, entropy, suite_of(card.suite))
    if keys.joined:
        return Refused("enrol.joined-already")
    request = _request(keys, card, software)
    answer = ask(request)
    if isinstance(answer, Refused):
        return answer
    digest = hashlib.sha256(request).digest()
    enrolled = read_answer(answer, request_digest=digest, pin=card.pin)
    leaf = check_leaf(enrolled, keys.tls_key().public_key())
    bundle = _believed(enrolled, card, keys)
    root = x509.load_der_x509_certificate(enrolled.root)
    write_whole(keys.ca_path, root.public_bytes(serialization.Encoding.PEM))
    write_whole(keys.tls_certificate_path, leaf.public_bytes(serialization.Encoding.PEM))
    save_bundle(folder, bundle)
    # Last: its presence says that the machine has joined.
    write_whole(keys.identity_path, enrolled.identity)
    (folder / _REQUEST_FILE).unlink(missing_ok=True)
    return Joined(enrolled, keys, bundle, check_phrase(request, answer))


def _request(keys: NodeKeys, card: Card, software: str) -> bytes:
    path = keys.folder / _REQUEST_FILE
    try:
        kept = load_secret(path)
        if read_enrol_request(kept, keys.suite).token_hash == card.token_hash:
            return kept
    except (Unavailable, PeerFault):
        pass  # none yet, or cut short: a new one is as good, nothing was answered to it
    made = make_request(
        site=card.site,
        role=card.role,
        token=card.token,
        csr=make_csr(keys.tls_key()),
        signing_key=keys.signing,
        sealing_public=keys.sealing_public,
        software=software,
        suite=keys.suite,
    )
    write_whole(path, made)
    return made


def _believed(enrolled: Enrolled, card: Card, keys: NodeKeys) -> Bundle:
    bundle = read_bundle(enrolled.trust, None)
    if bundle.suite is not keys.suite:
        raise PeerFault("enrol.suite")
    identity = read_identity(enrolled.identity, bundle.trust, keys.suite)
    own = (enrolled.node, card.role, keys.signing_public, keys.sealing_public, spki_hash(keys.tls_key().public_key()))
    told = (identity.node, identity.role, identity.signing, identity.sealing, identity.tls)
    if own != told or bundle.hub != enrolled.hub or enrolled.role != card.role or enrolled.site != card.site:
        raise PeerFault("enrol.identity")
    return bundle
