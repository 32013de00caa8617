"""Published examples that a suite must agree with before it is used: one that computes wrongly is worse than none.

Source: RFC 8032, section 7.1, test 2; FIPS 180-4, the example "abc"; RFC 9180, appendix A.1.1; GB/T 32918.5, annexes A
and C; GB/T 32905, annex A; RFC 8998, appendix A.1.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM
from cryptography.hazmat.primitives.hpke import Suite as Hpke

from sync.kernel.guomi import Sm2, sm4_gcm_open, sm4_gcm_seal
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import Suite

_h = bytes.fromhex

_ABC = b"abc"
_SHA256_ABC = _h("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
_SM3_ABC = _h("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0")

_ED_PRIVATE = _h("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
_ED_PUBLIC = _h("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
_ED_MESSAGE = b"\x72"
_ED_SIGNATURE = _h(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
    "b00d291612bb0c00"
)

_HPKE_PRIVATE = _h("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8")
_HPKE_ENC = _h("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431")
_HPKE_INFO = _h("4f6465206f6e2061204772656369616e2055726e")
_HPKE_KEY = _h("4531685d41d65f03dc48f6b8302c05b0")
_HPKE_NONCE = _h("56d890e5accaaf011cff4b7d")

_SM2_PRIVATE = _h("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
_SM2_PUBLIC = _h(
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
_SM2_SIGNED = b"message digest"
_SM2_SIGNATURE = _h(
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)
_SM2_PLAIN = b"encryption standard"
_SM2_CIPHERTEXT = _h(
    "04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73"
    "e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"
    "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766"
    "21886ca989ca9c7d58087307ca93092d651efa"
)

_SM4_KEY = _h("0123456789abcdeffedcba9876543210")
_SM4_NONCE = _h("00001234567800000000abcd")
_SM4_AAD = _h("feedfacedeadbeeffeedfacedeadbeefabaddad2")
_SM4_PLAIN = b"".join(bytes((each,)) * 8 for each in _h("aabbccddeeffeeaa"))
_SM4_SEALED = _h(
    "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
    "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
    "83de3541e4c2b58177e065a9bf7b62ec"
)


def failing(suite: Suite, sm2: Sm2 | None = None) -> list[str]:
    """Which examples the suite gets wrong, by name; none where all is well. `sm2`: what suite 2 stands on."""
    if suite.number == 1:
        examples = [
            ("SHA-256", suite.hash(_ABC) == _SHA256_ABC == suite.hasher(_ABC).digest()),
            ("Ed25519", _agrees(suite, _ED_PRIVATE, _ED_PUBLIC, _ED_MESSAGE, _ED_SIGNATURE)),
            ("Ed25519", suite.sign(_ED_PRIVATE, _ED_MESSAGE) == _ED_SIGNATURE),
            ("HPKE", _hpke_holds()),
        ]
        private = _HPKE_PRIVATE
    else:
        assert sm2 is not None
        examples = [
            ("SM3", suite.hash(_ABC) == _SM3_ABC == suite.hasher(_ABC).digest()),
            ("SM2", _agrees(suite, _SM2_PRIVATE, _SM2_PUBLIC, _SM2_SIGNED, _SM2_SIGNATURE)),
            ("SM2 encryption", sm2.decrypt(_SM2_PRIVATE, _SM2_CIPHERTEXT) == _SM2_PLAIN),
            ("SM2 encryption", sm2.decrypt(_SM2_PRIVATE, _SM2_CIPHERTEXT + b"\0") is None),
            ("SM4-GCM", sm4_gcm_seal(_SM4_KEY, _SM4_NONCE, _SM4_PLAIN, _SM4_AAD) == _SM4_SEALED),
            ("SM4-GCM", sm4_gcm_open(_SM4_KEY, _SM4_NONCE, _SM4_SEALED, _SM4_AAD) == _SM4_PLAIN),
        ]
        private = _SM2_PRIVATE
    examples.append(("seal", _opens_its_own(suite, private)))
    return sorted({name for name, holds in examples if not holds})


def _agrees(suite: Suite, private: bytes, public: bytes, message: bytes, signature: bytes) -> bool:
    """The published signature counts, another message's does not, and what is signed here counts too."""
    return (
        suite.signing_public(private) == public
        and suite.verify(public, message, signature)
        and not suite.verify(public, message + b"\0", signature)
        and suite.verify(public, message, suite.sign(private, message))
    )


def _hpke_holds() -> bool:
    """The published encapsulated key leads to the published key and nonce.

    Its ciphertexts are made with associated data, which the library's one call has none of: so the example's own key
    and nonce encrypt a body without any, and the library must open it. The example has AES-128-GCM; what differs in
    suite 1 is the length of the key.
    """
    body = AESGCM(_HPKE_KEY).encrypt(_HPKE_NONCE, _ABC, b"")
    hpke = Hpke(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
    try:
        return hpke.decrypt(_HPKE_ENC + body, X25519PrivateKey.from_private_bytes(_HPKE_PRIVATE), _HPKE_INFO) == _ABC
    except (InvalidTag, ValueError):
        return False


def _opens_its_own(suite: Suite, private: bytes) -> bool:
    sealed = suite.seal(suite.sealing_public(private), b"info", _ABC)
    try:
        suite.open(private, b"another", sealed)
    except PeerFault:
        return suite.open(private, b"info", sealed) == _ABC
    return False
