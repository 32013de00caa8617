"""Suite 2 against the published examples, OpenSSL's own command, and everything that is almost right."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.adapters.keys import libcrypto, suites
from sync.adapters.keys.libcrypto import Libcrypto
from sync.kernel.guomi import ORDER, Suite2
from sync.kernel.outcome import PeerFault, Unavailable
from sync.kernel.suite import PUBLIC_BYTES, SEAL_OVERHEAD_BYTES, SIGNATURE_BYTES, Suite1
from sync.kernel.vectors import failing

PRIVATE = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
OTHER = bytes(31) + b"\x07"
SUITE = suites.suite_of(2)
PUBLIC = SUITE.signing_public(PRIVATE)


@pytest.fixture(scope="module")
def sm2() -> Libcrypto:
    return Libcrypto(libcrypto.named())


def number(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


@pytest.mark.row("I33.1")
def test_both_suites_agree_with_what_was_published(sm2: Libcrypto) -> None:
    assert failing(suites.suite_of(1)) == []
    assert failing(SUITE, sm2) == []


class WrongHash(Suite1):
    def hash(self, data: bytes) -> bytes:
        return super().hash(data + b"\0")


class Forgiving(Suite1):
    def verify(self, public: bytes, data: bytes, signature: bytes) -> bool:
        return True


class Deaf(Libcrypto):
    """Takes a ciphertext whose check was not looked at."""

    def decrypt(self, private: bytes, data: bytes) -> bytes | None:
        return super().decrypt(private, data[: 96 + 19]) or super().decrypt(private, data)


@pytest.mark.row("I33.1")
def test_a_suite_that_computes_wrongly_is_named(sm2: Libcrypto) -> None:
    assert failing(WrongHash()) == ["SHA-256"]
    assert failing(Forgiving()) == ["Ed25519"]
    deaf = Deaf(libcrypto.named())
    assert failing(Suite2(deaf, os.urandom), deaf) == ["SM2 encryption"]


def test_the_lengths_that_headers_and_records_count_with() -> None:
    assert len(PUBLIC) == PUBLIC_BYTES[2]
    assert len(SUITE.sign(PRIVATE, b"x")) == SIGNATURE_BYTES
    assert len(SUITE.seal(PUBLIC, b"", b"data")) == 4 + SEAL_OVERHEAD_BYTES[2]


@settings(max_examples=60)
@given(st.binary(max_size=300), st.integers(1, ORDER - 2))
def test_what_is_signed_and_sealed_comes_back(data: bytes, scalar: int) -> None:
    private = scalar.to_bytes(32, "big")
    public = SUITE.signing_public(private)
    signature = SUITE.sign(private, data)
    assert SUITE.verify(public, data, signature)
    assert not SUITE.verify(public, data + b"\0", signature)
    assert SUITE.open(private, b"info", SUITE.seal(public, b"info", data)) == data


@pytest.mark.row("I33.2")
def test_signatures_that_are_almost_right_are_refused(sm2: Libcrypto) -> None:
    signature = SUITE.sign(PRIVATE, b"said")
    r, s = number(signature[:32]), number(signature[32:])

    def made(r: int, s: int) -> bytes:
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    assert SUITE.verify(PUBLIC, b"said", made(r, s))
    for wrong in (
        made(r, ORDER - s), made(ORDER - r, s), made(s, r), made(0, s), made(r, 0), made(ORDER, s), made(r, ORDER),
        made(r, 2**256 - 1), signature + b"\0", signature[:-1], b"", bytes(64),
    ):  # fmt: skip
        assert not SUITE.verify(PUBLIC, b"said", wrong), wrong.hex()
    assert not SUITE.verify(SUITE.signing_public(OTHER), b"said", signature)
    assert not SUITE.verify(PUBLIC[:32] + bytes(32), b"said", signature)
    assert not SUITE.verify(PUBLIC[:-1] + bytes((PUBLIC[-1] ^ 1,)), b"said", signature)
    assert not SUITE.verify(b"\4" + PUBLIC, b"said", signature)
    assert not SUITE.verify(b"", b"said", signature)


@pytest.mark.row("I33.2")
def test_every_changed_byte_of_a_seal_is_noticed() -> None:
    sealed = SUITE.seal(PUBLIC, b"info", b"body")
    assert SUITE.open(PRIVATE, b"info", sealed) == b"body"
    for at in range(len(sealed)):
        with pytest.raises(PeerFault, match="seal"):
            SUITE.open(PRIVATE, b"info", sealed[:at] + bytes((sealed[at] ^ 1,)) + sealed[at + 1 :])
    for wrong in (sealed + b"\0", sealed[:-1], sealed[:128], sealed[:20], b""):
        with pytest.raises(PeerFault, match="seal"):
            SUITE.open(PRIVATE, b"info", wrong)
    for private, info in ((OTHER, b"info"), (PRIVATE, b"other"), (bytes(32), b"info"), (b"", b"info")):
        with pytest.raises(PeerFault, match="seal"):
            SUITE.open(private, info, sealed)


def test_not_every_drawn_number_is_a_key() -> None:
    assert SUITE.is_private((ORDER - 2).to_bytes(32, "big"))
    for wrong in (0, ORDER - 1, ORDER, 2**256 - 1):
        assert not SUITE.is_private(wrong.to_bytes(32, "big"))
    assert not SUITE.is_private(PRIVATE[:-1])


def openssl(folder: Path, *arguments: str, given: bytes | None = None) -> bytes:
    return subprocess.run(
        ["openssl", *arguments], input=given, capture_output=True, cwd=folder, timeout=60, check=True
    ).stdout


def test_openssl_on_the_command_line_says_the_same(tmp_path: Path, sm2: Libcrypto) -> None:
    (tmp_path / "key.der").write_bytes(libcrypto._PKCS8 + PRIVATE)
    (tmp_path / "said").write_bytes(b"said here")
    openssl(tmp_path, "pkey", "-in", "key.der", "-inform", "DER", "-out", "key.pem")
    openssl(tmp_path, "pkey", "-in", "key.pem", "-pubout", "-out", "public.pem")
    id_of = ("-sigopt", "distid:1234567812345678")
    theirs = openssl(tmp_path, "dgst", "-sm3", "-sign", "key.pem", *id_of, "said")
    numbers, rest = libcrypto._integers(theirs, 2)
    assert rest == b"" and SUITE.verify(PUBLIC, b"said here", b"".join(numbers))
    ours = SUITE.sign(PRIVATE, b"said here")
    der = libcrypto._sequence(libcrypto._integer(ours[:32]) + libcrypto._integer(ours[32:]))
    (tmp_path / "ours").write_bytes(der)
    assert b"OK" in openssl(tmp_path, "dgst", "-sm3", "-verify", "public.pem", "-signature", "ours", *id_of, "said")
    # Signed under another id, and under none: neither is ours.
    for other in ("distid:someone else", "distid:"):
        foreign = openssl(tmp_path, "dgst", "-sm3", "-sign", "key.pem", "-sigopt", other, "said")
        assert not SUITE.verify(PUBLIC, b"said here", b"".join(libcrypto._integers(foreign, 2)[0]))
    assert openssl(tmp_path, "dgst", "-sm3", "-binary", "said") == SUITE.hash(b"said here")


@pytest.mark.row("I33.1")
def test_no_such_library_no_such_suite(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "libcrypto.so.3"
    other.write_bytes(b"no library")
    for name in (str(other), "libmissing.so.9", "libc.so.6"):
        monkeypatch.setenv(libcrypto.LIBRARY_VARIABLE, name)
        suites.suite_of.cache_clear()
        with pytest.raises(Unavailable, match=r"suite\.library"):
            suites.suite_of(2)
        assert suites.suite_of(1).number == 1
    suites.suite_of.cache_clear()


def test_a_number_without_a_suite() -> None:
    with pytest.raises(Unavailable, match=r"suite\.unknown"):
        suites.suite_of(3)
