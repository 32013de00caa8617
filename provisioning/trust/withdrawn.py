"""The list of withdrawn certificates as the broker reads it: one file, replaced whole, numbered upwards.

Whoever writes takes turns; the caller sees to it.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cryptography import x509

from provisioning.trust.ca import Authority, make_crl
from sync.adapters.keys import load_secret, write_whole

_DAY_MS = 24 * 60 * 60 * 1000


class Withdrawn:
    """The list at `path`, under the site's root."""

    def __init__(self, authority: Authority, path: Path) -> None:
        self._authority = authority
        self._path = path

    def __contains__(self, serial: int) -> bool:
        return self._load().get_revoked_certificate_by_serial_number(serial) is not None

    def add(self, serial: int, now_ms: int) -> None:
        """Withdraw a certificate; on disk on return. Doing it again changes nothing."""
        if serial not in self:
            self._write({serial: now_ms}, now_ms)

    def renew(self, now_ms: int) -> bool:
        """Write it anew when it is a day old. True: it was.

        A list from the future comes of a clock that was wrong then; the broker would let nobody in.
        """
        stale = not 0 <= now_ms - _ms(self._load().last_update_utc) <= _DAY_MS
        if stale:
            self._write({}, now_ms)
        return stale

    def _write(self, more: dict[int, int], now_ms: int) -> None:
        before = self._load()
        listed = {row.serial_number: _ms(row.revocation_date_utc) for row in before}
        number = before.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        write_whole(self._path, make_crl(self._authority, (listed | more).items(), number + 1, now_ms))

    def _load(self) -> x509.CertificateRevocationList:
        return x509.load_pem_x509_crl(load_secret(self._path))


def _ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
