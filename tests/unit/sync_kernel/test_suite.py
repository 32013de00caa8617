import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sync.kernel.outcome import PeerFault
from sync.kernel.suite import SEAL_OVERHEAD_BYTES, suite1

# Source: RFC 8032, section 7.1, tests 1 and 2
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
        "b00d291612bb0c00",
    ),
]
SEALING = bytes(range(32))


@pytest.mark.parametrize(("private", "public", "message", "signature"), VECTORS)
def test_ed25519(private: str, public: str, message: str, signature: str) -> None:
    key, data, sig = bytes.fromhex(private), bytes.fromhex(message), bytes.fromhex(signature)
    assert suite1.signing_public(key) == bytes.fromhex(public)
    assert suite1.sign(key, data) == sig
    assert suite1.verify(bytes.fromhex(public), data, sig)
    assert not suite1.verify(bytes.fromhex(public), data + b"x", sig)
    assert not suite1.verify(bytes.fromhex(public), data, sig + b"\0")
    assert not suite1.verify(b"short", data, sig)


def hpke_open(private: bytes, info: bytes, sealed: bytes) -> bytes:
    """RFC 9180 base mode written out, for one message: section 4 (labels), 4.1 (DHKEM), 5.1 (key schedule)."""

    def extract(salt: bytes, label: bytes, ikm: bytes, suite: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, "sha256")

    def expand(prk: bytes, label: bytes, info: bytes, length: int, suite: bytes) -> bytes:
        labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
        return hmac.digest(prk, labelled + b"\x01", "sha256")[:length]

    enc, ciphertext = sealed[:32], sealed[32:]
    own = X25519PrivateKey.from_private_bytes(private)
    kem, hpke = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"
    prk = extract(b"", b"eae_prk", own.exchange(X25519PublicKey.from_public_bytes(enc)), kem)
    shared = expand(prk, b"shared_secret", enc + own.public_key().public_bytes_raw(), 32, kem)
    context = b"\0" + extract(b"", b"psk_id_hash", b"", hpke) + extract(b"", b"info_hash", info, hpke)
    secret = extract(shared, b"secret", b"", hpke)
    key, nonce = expand(secret, b"key", context, 32, hpke), expand(secret, b"base_nonce", context, 12, hpke)
    return AESGCM(key).decrypt(nonce, ciphertext, b"")


def test_a_seal_opens_by_the_rfc_written_out() -> None:
    sealed = suite1.seal(suite1.sealing_public(SEALING), b"info", b"body")
    assert len(sealed) == 4 + SEAL_OVERHEAD_BYTES[1]
    assert hpke_open(SEALING, b"info", sealed) == b"body"
    assert suite1.open(SEALING, b"info", sealed) == b"body"


@pytest.mark.parametrize("part", ["key", "info", "bytes", "cut", "nothing", "low order point"])
def test_a_seal_of_something_else_is_a_fault(part: str) -> None:
    sealed = suite1.seal(suite1.sealing_public(SEALING), b"info", b"body")
    changed = {
        "bytes": sealed[:-1] + bytes((sealed[-1] ^ 1,)),
        "cut": sealed[:40],
        "nothing": b"",
        "low order point": bytes(60),
    }
    with pytest.raises(PeerFault, match="seal"):
        suite1.open(
            bytes(32) if part == "key" else SEALING, b"x" if part == "info" else b"info", changed.get(part, sealed)
        )


def test_hashes_and_key_ids() -> None:
    assert suite1.hash(b"abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert suite1.key_id(b"abc") == hashlib.sha256(b"abc").digest()[:8]
