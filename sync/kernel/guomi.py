"""Suite 2: SM2 signatures with SM3, seals of SM2, HKDF-SM3 and SM4-GCM.

A seal is the SM2 ciphertext (C1 C3 C2) of 32 fresh bytes and then the data under SM4-GCM; key and nonce are both made
of those bytes and of `info` by HKDF-SM3, so no nonce travels and none comes twice.
Source: GB/T 32918 (SM2), 32905 (SM3), 32907 (SM4); RFC 8998 (SM4-GCM); protocol way/1, sections 1 and 4.1. How seals
are put together is this module's own: HPKE names no SM2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sync.kernel.outcome import PeerFault
from sync.kernel.suite import Hasher

SIGNER_ID = b"1234567812345678"
"""The id that SM2 hashes into every signature where the parties agreed on none. Source: GM/T 0009, section 10."""
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
"""n of the SM2 curve. Source: GB/T 32918.5, section 2."""

_SECRET_BYTES = 32
_WRAPPED_BYTES = 64 + 32 + _SECRET_BYTES
_TAG_BYTES = 16
_KEY_BYTES, _NONCE_BYTES = 16, 12


class Sm2(Protocol):
    """The curve, from whoever has it. Private keys 32 bytes, public keys x y (64), signatures r s (64)."""

    def public_of(self, private: bytes) -> bytes: ...

    def sign(self, private: bytes, data: bytes) -> bytes:
        """By `SIGNER_ID` and SM3."""
        ...

    def verify(self, public: bytes, data: bytes, signature: bytes) -> bool:
        """False for a wrong signature, one out of range, and for bytes that are no point of the curve."""
        ...

    def encrypt(self, public: bytes, data: bytes) -> bytes:
        """C1 C3 C2: 96 bytes more than `data`."""
        ...

    def decrypt(self, private: bytes, data: bytes) -> bytes | None:
        """None when the bytes do not belong to this key or were changed."""
        ...


class Suite2:
    """SM2, SM3, SM4-GCM."""

    number = 2

    def __init__(self, sm2: Sm2, draw: Callable[[int], bytes]) -> None:
        """`draw`: that many bytes which nobody can guess."""
        self._sm2 = sm2
        self._draw = draw
        self.hasher: Hasher = partial(hashlib.new, "sm3")

    def is_private(self, drawn: bytes) -> bool:
        return len(drawn) == 32 and 1 <= int.from_bytes(drawn, "big") <= ORDER - 2

    def hash(self, data: bytes) -> bytes:
        return self.hasher(data).digest()

    def sign(self, private: bytes, data: bytes) -> bytes:
        return self._sm2.sign(private, data)

    def verify(self, public: bytes, data: bytes, signature: bytes) -> bool:
        return self._sm2.verify(public, data, signature)

    def seal(self, public: bytes, info: bytes, data: bytes) -> bytes:
        secret = self._draw(_SECRET_BYTES)
        return self._sm2.encrypt(public, secret) + sm4_gcm_seal(*_key_and_nonce(secret, info), data, b"")

    def open(self, private: bytes, info: bytes, data: bytes) -> bytes:
        secret = self._sm2.decrypt(private, data[:_WRAPPED_BYTES])
        if secret is None or len(secret) != _SECRET_BYTES:
            raise PeerFault("seal")
        return sm4_gcm_open(*_key_and_nonce(secret, info), data[_WRAPPED_BYTES:], b"")

    def key_id(self, public: bytes) -> bytes:
        return self.hash(public)[:8]

    def signing_public(self, private: bytes) -> bytes:
        return self._sm2.public_of(private)

    def sealing_public(self, private: bytes) -> bytes:
        return self._sm2.public_of(private)


def sm4_gcm_seal(key: bytes, nonce: bytes, data: bytes, aad: bytes) -> bytes:
    """Ciphertext and tag. `key` 16 bytes, `nonce` 12, never twice under one key."""
    sealing = Cipher(SM4(key), GCM(nonce)).encryptor()
    sealing.authenticate_additional_data(aad)
    return sealing.update(data) + sealing.finalize() + sealing.tag


def sm4_gcm_open(key: bytes, nonce: bytes, data: bytes, aad: bytes) -> bytes:
    """Back from `sm4_gcm_seal`; nothing is given out before the tag was compared. Raises PeerFault `seal`."""
    if len(data) < _TAG_BYTES:
        raise PeerFault("seal")
    opening = Cipher(SM4(key), GCM(nonce, data[-_TAG_BYTES:])).decryptor()
    opening.authenticate_additional_data(aad)
    try:
        return opening.update(data[:-_TAG_BYTES]) + opening.finalize()
    except InvalidTag:
        raise PeerFault("seal") from None


def _key_and_nonce(secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    both = HKDF(SM3(), _KEY_BYTES + _NONCE_BYTES, salt=None, info=info).derive(secret)
    return both[:_KEY_BYTES], both[_KEY_BYTES:]
