"""The box's TLS certificate, renewed by a signed request from half of its life on, also when it is over.

Messages are believed for their signatures alone, so the request goes over a connection that shows no certificate of
ours. Nothing that people do waits for it; while it is over only the line is missing. Source: protocol way/1, section
7.5; design, section 5.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.link.trust_book import TrustBook
from provisioning.trust.ca import LEAF_DAYS, check_issued, read_certificate
from provisioning.trust.node_keys import NodeKeys
from sync.adapters import bugs
from sync.adapters.carrier import nameless_context
from sync.adapters.https_caller import FAULTS, Caller, told
from sync.adapters.keys import load_secret, write_whole
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.kernel.outcome import PeerFault, Unavailable
from sync.protocol import frames, message
from sync.protocol.trust import Certified

LOOK_EVERY_S, AGAIN_S = 3600.0, 300.0
STOP_S_MAX = 0.5
_HALF_MS = LEAF_DAYS * 24 * 3600 * 1000 // 2

Ask = Callable[[bytes], list[bytes]]
"""Carries a request and brings the answers. Raises Unavailable, PeerFault."""


class Certificate:
    """One box's. `tls`: the context of every carrier, which shows the new certificate from its next call on."""

    def __init__(self, store: ApplianceStore, book: TrustBook, keys: NodeKeys, tls: ssl.SSLContext, ask: Ask) -> None:
        self._store = store
        self._book = book
        self._keys = keys
        self._tls = tls
        self._ask = ask
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="certificate", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_S_MAX)

    @property
    def is_due(self) -> bool:
        """Whether half its life is over, by a clock that can be believed."""
        now_ms = self._store.believed_wall_ms()
        if now_ms is None:
            return False
        leaf = x509.load_pem_x509_certificate(load_secret(self._keys.tls_certificate_path))
        return leaf.not_valid_after_utc.timestamp() * 1000 - now_ms < _HALF_MS

    def look(self) -> bool:
        """Renew it where that is due. True: it was. Raises Unavailable, PeerFault: the old one stays."""
        if not self.is_due:
            return False
        held = x509.load_pem_x509_certificate(load_secret(self._keys.tls_certificate_path))
        asked = Certified(held.public_bytes(Encoding.DER))
        answers = self._ask(self._book.say(message.CERTIFY, asked.body(), self._store.meta_int("hub_epoch")))
        for raw in answers:
            opened = self._book.open(raw)
            if opened.type == message.CERTIFY:
                self._take(read_certificate(Certified.read(opened.body).der), held)
                return True
        raise PeerFault("certify.answer")

    def _take(self, fresh: x509.Certificate, held: x509.Certificate) -> None:
        check_issued(fresh, read_certificate(load_secret(self._keys.ca_path)))
        if fresh.public_key() != held.public_key() or fresh.subject != held.subject:
            raise PeerFault("certify.answer")
        try:
            write_whole(self._keys.tls_certificate_path, fresh.public_bytes(Encoding.PEM))
        except OSError as fault:
            raise Unavailable("key.write", 5.0) from fault
        self._tls.load_cert_chain(self._keys.tls_certificate_path, self._keys.tls_key_path)

    def _run(self) -> None:
        while True:
            wait_s = LOOK_EVERY_S
            try:
                self.look()
            except (Unavailable, PeerFault) as fault:
                self._store.tally(f"certificate.{fault.code}"[:60])
                wait_s = AGAIN_S
            except Exception as bug:
                bugs.note("certificate", bug)
            if self._stopping.wait(wait_s):
                return


def asks_by_https(sync_url: str, ca: Path, server_name: str) -> Ask:
    """A request over a connection of its own, without a certificate."""

    def ask(raw: bytes) -> list[bytes]:
        caller = Caller(sync_url, nameless_context(ca, server_name), ca)
        try:
            return frames.unpack(caller.call("POST", "/renew", frames.pack([raw])))
        except FAULTS as fault:
            raise told(fault) from fault
        finally:
            caller.close()

    return ask
