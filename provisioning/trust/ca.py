"""The site's own certificate authority: one root, P-256 leaves under it, a list of withdrawn leaves.

TLS decides who may open a connection; what a message says is believed for its own signature alone. A leaf's common
name is the node's name, because the broker takes user, client id and ACL from it.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provisioning.trust.names import check_common_name
from sync.kernel.outcome import PeerFault

ROOT_DAYS = 3650
LEAF_DAYS = 90
CRL_DAYS = 30
"""An expired list makes mosquitto 2.0.11 refuse every client, so it is written anew each day and lasts a month.
Source: observed, mosquitto 2.0.11, 2026-11."""

_BACKDATED = timedelta(hours=1)
"""A peer whose clock is a little slow must not find a fresh certificate in its future."""

_PEM = serialization.Encoding.PEM
_DER = serialization.Encoding.DER


_BROKEN = (ValueError, TypeError, x509.InvalidVersion, InvalidSignature, UnsupportedAlgorithm)
"""What the library raises for a peer's bytes that are no certificate, request or signature."""


@dataclass(frozen=True, slots=True)
class Authority:
    """The root's key and certificate. Whoever holds the key can let any machine in."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(_PEM)

    @property
    def certificate_der(self) -> bytes:
        return self.certificate.public_bytes(_DER)

    @property
    def pin(self) -> bytes:
        return pin_of(self.certificate)

    def sign(self, data: bytes) -> bytes:
        """ECDSA over SHA-256, DER: what a card's pin alone lets a new machine check."""
        return self.key.sign(data, ec.ECDSA(hashes.SHA256()))


def _instant(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).replace(microsecond=0)


def make_tls_key() -> ec.EllipticCurvePrivateKey:
    """A fresh P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The private key as unencrypted PKCS 8, for a 0600 file."""
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def load_tls_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """Back from `key_pem`."""
    key = serialization.load_pem_private_key(pem, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), "TLS keys are P-256"
    return key


def pin_of(certificate: x509.Certificate) -> bytes:
    """SHA-256 of the certificate's public key (SubjectPublicKeyInfo, DER): survives a renewed certificate."""
    spki = certificate.public_key().public_bytes(_DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).digest()


def make_root(site: str, now_ms: int) -> Authority:
    """A new site's root, good for ten years; it signs leaves and withdrawal lists, never another authority."""
    key = make_tls_key()
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Waystation"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Waystation site {site}"),
        ]
    )
    now = _instant(now_ms)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=ROOT_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(leaf=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(key, certificate)


def load_authority(key: bytes, certificate: bytes) -> Authority:
    """Back from PEM; the two must belong together."""
    authority = Authority(load_tls_key(key), x509.load_pem_x509_certificate(certificate))
    assert authority.certificate.public_key() == authority.key.public_key(), "CA key and certificate do not match"
    return authority


def make_request(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A DER signing request that proves possession of `key`. It names nobody: the hub gives the name."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, hashes.SHA256()).public_bytes(_DER)


def read_request(der: bytes) -> ec.EllipticCurvePublicKey:
    """The public key of a signing request. Raises PeerFault `enrol.csr` unless it is P-256 and signed by itself."""
    try:
        request = x509.load_der_x509_csr(der)
        public = request.public_key()
        if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
            raise PeerFault("enrol.csr", "not P-256")
        if not request.is_signature_valid:
            raise PeerFault("enrol.csr", "not signed by its own key")
    except _BROKEN:
        raise PeerFault("enrol.csr") from None
    return public


def issue(
    authority: Authority,
    public: ec.EllipticCurvePublicKey,
    common_name: str,
    now_ms: int,
    *,
    hosts: Sequence[str] = (),
) -> x509.Certificate:
    """A leaf of 90 days for `common_name`. With `hosts` (names and addresses) it serves as well as calls."""
    now = _instant(now_ms)
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, check_common_name(common_name))]))
        .issuer_name(authority.certificate.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=LEAF_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(leaf=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
    )
    if hosts:
        usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
        builder = builder.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
    builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return builder.sign(authority.key, hashes.SHA256())


def make_crl(authority: Authority, withdrawn: Iterable[tuple[int, int]], number: int, now_ms: int) -> bytes:
    """The PEM list of withdrawn leaves, as (serial, withdrawn at, ms); good for 30 days. `number` only rises."""
    now = _instant(now_ms)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now - _BACKDATED)
        .next_update(now + timedelta(days=CRL_DAYS))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
    )
    for serial, at_ms in sorted(withdrawn):
        revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(_instant(at_ms)).build()
        builder = builder.add_revoked_certificate(revoked)
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(_PEM)


def read_certificate(data: bytes) -> x509.Certificate:
    """A P-256 certificate from DER or PEM; says nothing about who issued it. Raises PeerFault `enrol.certificate`."""
    try:
        pem = data.lstrip().startswith(b"-----")
        certificate = x509.load_pem_x509_certificate(data) if pem else x509.load_der_x509_certificate(data)
        known = isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    except _BROKEN:
        raise PeerFault("enrol.certificate") from None
    if not known:
        raise PeerFault("enrol.certificate")
    return certificate


def check_issued(leaf: x509.Certificate, root: x509.Certificate) -> None:
    """Raises PeerFault `enrol.certificate` unless `root` issued `leaf`."""
    try:
        leaf.verify_directly_issued_by(root)
    except _BROKEN:
        raise PeerFault("enrol.certificate") from None


def check_signed_by_root(root: x509.Certificate, data: bytes, signature: bytes) -> None:
    """Check what `Authority.sign` made. Raises PeerFault `enrol.signature`."""
    public = root.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise PeerFault("enrol.signature", "root is not P-256")
    try:
        public.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise PeerFault("enrol.signature") from None


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, leaf: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=leaf,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not leaf,
        crl_sign=not leaf,
        encipher_only=False,
        decipher_only=False,
    )
