"""The hub's own certificates, renewed at half of their life for the same key, name and hosts."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from provisioning.trust.ca import LEAF_DAYS, Authority, issue, load_tls_key
from sync.adapters.keys import load_secret, write_whole

_DAY_MS = 24 * 60 * 60 * 1000


def renew(authority: Authority, path: Path, key_path: Path, name: str, now_ms: int) -> bool:
    """Write the certificate at `path` anew where that is due. True: it was."""
    held = x509.load_pem_x509_certificate(path.read_bytes())
    if LEAF_DAYS * _DAY_MS / 2 < held.not_valid_after_utc.timestamp() * 1000 - now_ms <= LEAF_DAYS * _DAY_MS:
        return False
    public = load_tls_key(load_secret(key_path)).public_key()
    write_whole(path, pem(issue(authority, public, name, now_ms, hosts=_hosts_of(held))))
    return True


def pem(certificate: x509.Certificate) -> bytes:
    """As a file."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def _hosts_of(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in names]
