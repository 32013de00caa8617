"""Signing, sealing and hashing by suite number: one interface, one suite a site, never negotiated.

Suite 1 is here: Ed25519, SHA-256, HPKE base mode with X25519, HKDF-SHA256 and AES-256-GCM. Keys are their raw 32 bytes.
Source: protocol way/1, sections 1 and 4.1; RFC 8032; RFC 9180. The ephemeral key of a seal is drawn by the library.
Suite 2, the national one, is in `guomi`. Which suite is whose: decision 0012.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Protocol

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM
from cryptography.hazmat.primitives.hpke import Suite as Hpke

from sync.kernel.outcome import PeerFault

SEAL_OVERHEAD_BYTES: Mapping[int, int] = {1: 48, 2: 144}
"""By suite number, how much longer a seal makes its data; a number that is not here is no suite.

1: ephemeral key 32, tag 16. 2: the SM2 ciphertext of a secret 128 (point 64, check 32, secret 32), tag 16.
"""
SIGNATURE_BYTES = 64
NUMBERS = frozenset(SEAL_OVERHEAD_BYTES)
PUBLIC_BYTES: Mapping[int, int] = {1: 32, 2: 64}
"""By suite number, the length of a public key, signing and sealing alike. Private keys are 32 bytes."""

_KEYS_CACHED = 4096  # one hub's nodes, with room; parsing a key for each verification costs more than the lookup


class Hashed(Protocol):
    """A hash in the making, as `hashlib` has it."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


Hasher = Callable[[bytes], Hashed]
"""A suite's hash as code that runs for every fact takes it: bound once per stream or feed, no call between."""


class Suite(Protocol):
    """What every suite can do. All keys and signatures are raw bytes."""

    @property
    def number(self) -> int:
        """The byte in headers."""
        ...

    @property
    def hasher(self) -> Hasher:
        """`hash`, before it is finished."""
        ...

    def is_private(self, drawn: bytes) -> bool:
        """Whether 32 random bytes may serve as a private key; of suite 2 all but one in 2**32 may."""
        ...

    def hash(self, data: bytes) -> bytes:
        """32 bytes."""
        ...

    def sign(self, private: bytes, data: bytes) -> bytes:
        """64 bytes."""
        ...

    def verify(self, public: bytes, data: bytes, signature: bytes) -> bool:
        """False for a wrong signature and for bytes that are no key."""
        ...

    def seal(self, public: bytes, info: bytes, data: bytes) -> bytes:
        """`data` readable only by the owner of `public`, bound to `info`; `SEAL_OVERHEAD_BYTES` longer."""
        ...

    def open(self, private: bytes, info: bytes, data: bytes) -> bytes:
        """Back from `seal`. Raises PeerFault `seal` when key, info or bytes do not belong together."""
        ...

    def key_id(self, public: bytes) -> bytes:
        """First 8 bytes of the hash of a public signing key."""
        ...

    def signing_public(self, private: bytes) -> bytes:
        """The public half of a signing key."""
        ...

    def sealing_public(self, private: bytes) -> bytes:
        """The public half of a sealing key."""
        ...


@lru_cache(maxsize=16)
def _signing(private: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(private)


@lru_cache(maxsize=_KEYS_CACHED)
def _verifying(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)


@lru_cache(maxsize=16)
def _opening(private: bytes) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(private)


@lru_cache(maxsize=_KEYS_CACHED)
def _sealing(public: bytes) -> X25519PublicKey:
    return X25519PublicKey.from_public_bytes(public)


class Suite1:
    """Ed25519, SHA-256, HPKE(X25519, HKDF-SHA256, AES-256-GCM)."""

    number = 1

    def __init__(self) -> None:
        self._hpke = Hpke(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
        self.hasher: Hasher = hashlib.sha256

    def is_private(self, drawn: bytes) -> bool:
        return len(drawn) == 32

    def hash(self, data: bytes) -> bytes:
        return hashlib.sha256(data).digest()

    def sign(self, private: bytes, data: bytes) -> bytes:
        return _signing(private).sign(data)

    def verify(self, public: bytes, data: bytes, signature: bytes) -> bool:
        try:
            _verifying(public).verify(signature, data)
        except (InvalidSignature, ValueError):
            return False
        return True

    def seal(self, public: bytes, info: bytes, data: bytes) -> bytes:
        return self._hpke.encrypt(data, _sealing(public), info)

    def open(self, private: bytes, info: bytes, data: bytes) -> bytes:
        try:
            return self._hpke.decrypt(data, _opening(private), info)
        except (InvalidTag, ValueError):
            raise PeerFault("seal") from None

    def key_id(self, public: bytes) -> bytes:
        return hashlib.sha256(public).digest()[:8]

    def signing_public(self, private: bytes) -> bytes:
        return _signing(private).public_key().public_bytes_raw()

    def sealing_public(self, private: bytes) -> bytes:
        return _opening(private).public_key().public_bytes_raw()


suite1 = Suite1()
