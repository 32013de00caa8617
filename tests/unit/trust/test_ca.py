from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import PolicyBuilder, Store

from provisioning.trust.ca import (
    check_signed_by_root,
    issue,
    key_pem,
    load_authority,
    make_crl,
    make_request,
    make_root,
    make_tls_key,
    pin_of,
    read_request,
)
from sync.kernel.outcome import PeerFault

NOW_MS = 1_795_248_000_000
NOW = datetime.fromtimestamp(NOW_MS / 1000, tz=UTC)
ROOT = make_root("test", NOW_MS)


def test_a_leaf_verifies_to_its_root_for_its_days_and_names() -> None:
    leaf = issue(ROOT, make_tls_key().public_key(), "hub-abcdefgh", NOW_MS, hosts=["localhost", "127.0.0.1"])
    for at, good in ((NOW, True), (NOW + timedelta(days=89), True), (NOW + timedelta(days=91), False)):
        verifier = PolicyBuilder().store(Store([ROOT.certificate])).time(at)
        server = verifier.build_server_verifier(x509.DNSName("localhost"))
        if good:
            assert server.verify(leaf, []) == [leaf, ROOT.certificate]
        else:
            with pytest.raises(x509.verification.VerificationError):
                server.verify(leaf, [])


def test_a_node_is_no_server() -> None:
    leaf = issue(ROOT, make_tls_key().public_key(), "courier-abcdefgh", NOW_MS)
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]
    assert leaf.subject.rfc4514_string() == "CN=courier-abcdefgh"
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_authority_comes_back_from_its_files() -> None:
    again = load_authority(key_pem(ROOT.key), ROOT.certificate_pem)
    assert again.pin == ROOT.pin == pin_of(again.certificate)
    with pytest.raises(AssertionError):
        load_authority(key_pem(make_tls_key()), ROOT.certificate_pem)


def test_a_request_proves_its_key() -> None:
    key = make_tls_key()
    assert read_request(make_request(key)) == key.public_key()


def _rsa() -> bytes:
    key = rsa.generate_private_key(65537, 2048)
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def _p384() -> bytes:
    key = ec.generate_private_key(ec.SECP384R1())
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def _tampered() -> bytes:
    raw = bytearray(make_request(make_tls_key()))
    raw[-1] ^= 1
    return bytes(raw)


@pytest.mark.parametrize(
    "make",
    [_rsa, _p384, _tampered, lambda: b"", lambda: b"0" * 5000, lambda: ROOT.certificate_der],
    ids=["rsa", "other curve", "signature", "empty", "garbage", "a certificate"],
)
def test_a_bad_request_is_their_fault(make) -> None:
    with pytest.raises(PeerFault) as fault:
        read_request(make())
    assert fault.value.code == "enrol.csr"


def test_the_list_names_the_withdrawn_and_lasts_a_month() -> None:
    crl = x509.load_pem_x509_crl(make_crl(ROOT, [(7, NOW_MS), (5, NOW_MS)], 3, NOW_MS))
    assert crl.is_signature_valid(ROOT.key.public_key())
    assert [entry.serial_number for entry in crl] == [5, 7]
    assert crl.next_update_utc is not None
    assert crl.next_update_utc - NOW == timedelta(days=30)
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 3


def test_only_the_root_signs_for_the_root() -> None:
    check_signed_by_root(ROOT.certificate, b"said", ROOT.sign(b"said"))
    for data, signature in ((b"Said", ROOT.sign(b"said")), (b"said", make_root("x", NOW_MS).sign(b"said"))):
        with pytest.raises(PeerFault):
            check_signed_by_root(ROOT.certificate, data, signature)
