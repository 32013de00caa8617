"""A suite that costs next to nothing, behind the real one's interface, for the schedules that are not about signatures.

Whoever knows a public key can sign for it here: nobody in a schedule does unless a fault says so. Same sizes, same
refusals, and the same bytes each time, so a run can be hashed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from sync.adapters.keys.suites import suite_of
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import Suite1, suite1


def public_of(private: bytes) -> bytes:
    return hashlib.blake2b(private, digest_size=32, person=b"public").digest()


def _sign(_suite: Suite1, private: bytes, data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=64, key=public_of(private)).digest()


def _verify(_suite: Suite1, public: bytes, data: bytes, signature: bytes) -> bool:
    return hashlib.blake2b(data, digest_size=64, key=public).digest() == signature


def _tag(public: bytes, info: bytes, data: bytes) -> bytes:
    return hashlib.blake2b(len(info).to_bytes(4, "big") + info + data, digest_size=48, key=public).digest()


def _seal(_suite: Suite1, public: bytes, info: bytes, data: bytes) -> bytes:
    return _tag(public, info, data) + data


def _open(_suite: Suite1, private: bytes, info: bytes, data: bytes) -> bytes:
    if len(data) < 48 or _tag(public_of(private), info, data[48:]) != data[:48]:
        raise PeerFault("seal")
    return data[48:]


def _public(_suite: Suite1, private: bytes) -> bytes:
    return public_of(private)


_HANDS = {
    "sign": _sign,
    "verify": _verify,
    "seal": _seal,
    "open": _open,
    "signing_public": _public,
    "sealing_public": _public,
}


@contextmanager
def standing_in(wanted: bool = True) -> Iterator[None]:
    """Suite 1 is the stand-in within this block, where it is wanted."""
    suite_of(suite1.number)  # tried on its published examples once a process, which no stand-in passes
    kept = {name: getattr(Suite1, name) for name in _HANDS}
    try:
        if wanted:
            for name, hand in _HANDS.items():
                setattr(Suite1, name, hand)
        yield
    finally:
        for name, hand in kept.items():
            setattr(Suite1, name, hand)
