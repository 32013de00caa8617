"""The hub's side of trust as files: authority, hub identity, server certificate, withdrawal list, trust bundle.

A hub's key folder is a node's (`node_keys`), with its own name and keys, and beside them

| file | what |
|---|---|
| ca.key | the site's root key |
| server.key, server.crt | what hub and broker prove themselves with: common name is the hub's, hosts in it |
| crl.pem | withdrawn certificates |

`tls.crt` is the certificate of the hub's first worker on the broker (`hub-….w1`). The hub's signing key changes by the
files of a node's (`key_files`): the next one is there before the bundle names it, and put in force on the day that the
bundle says. What was drawn, ordered and put in force is durable step by step, and each step may be done again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from provisioning.trust.broker_rules import Listener, Rules
from provisioning.trust.bundle import (
    Bundle,
    adopt,
    first_trust,
    load_bundle,
    make_bundle,
    read_bundle,
    save_bundle,
    with_marks,
    with_revoked,
)
from provisioning.trust.ca import (
    Authority,
    check_issued,
    issue,
    key_pem,
    load_authority,
    make_crl,
    make_root,
    make_tls_key,
    read_certificate,
)
from provisioning.trust.enrol import spki_hash
from provisioning.trust.identity import make_identity, read_identity
from provisioning.trust.key_files import KeyFiles
from provisioning.trust.names import WORKERS_MAX, worker_name
from provisioning.trust.node_keys import NodeKeys, load_keys, make_keys
from provisioning.trust.own_leaves import pem
from provisioning.trust.own_leaves import renew as renew_leaf
from provisioning.trust.withdrawn import Withdrawn
from sync.adapters.idgen import Entropy, SystemEntropy
from sync.adapters.keys import create_secret, load_secret, write_whole
from sync.kernel.ids import node_name
from sync.kernel.limits import RENEW_DAYS
from sync.kernel.outcome import PeerFault, Refused, Unavailable
from sync.kernel.suite import Suite
from sync.protocol.handover import decide_order, in_force, ordered, to_come
from sync.protocol.key_change import make_change
from sync.protocol.message import parse_short_header
from sync.protocol.trust import HubKey, Identity, Trust

_DAY_MS = 24 * 60 * 60 * 1000
FIRST_EPOCH = 1
LOOPBACK = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class Member:
    """A row of the hub's list of machines, as far as the broker cares."""

    node: str
    scopes: Sequence[str]
    shut_out: bool


class SiteTrust:
    """All that vouching takes. Methods that write take turns; reading the bundle never waits for the disk."""

    def __init__(self, keys: NodeKeys, authority: Authority, bundle: Bundle, hub: str) -> None:
        self.keys = keys
        self.authority = authority
        self.hub = hub
        self.point: Callable[[str], None] = lambda place: None
        """Is told of each durable step of a key change; what it raises ends it."""
        self._bundle = bundle
        self._settled: Bundle | None = None
        self._withdrawn = Withdrawn(authority, self.crl_path)
        self._turn = threading.Lock()

    @property
    def suite(self) -> Suite:
        """Everybody's, pinned in every identity record of this site."""
        return self.keys.suite

    @property
    def bundle(self) -> Bundle:
        return self._bundle

    @property
    def worker(self) -> str:
        """The name on the broker of the hub's first worker."""
        return self.worker_name(1)

    def worker_name(self, number: int) -> str:
        """The name on the broker of the hub's `number`-th worker, from 1."""
        return worker_name(self.hub, number)

    def worker_certificate(self, number: int, now_ms: int) -> tuple[Path, Path]:
        """Certificate and key files of a further worker, made anew at each of its starts."""
        assert 1 < number <= WORKERS_MAX
        certificate, key = (self.keys.folder / f"w{number}.{kind}" for kind in ("crt", "key"))
        made = make_tls_key()
        write_whole(key, key_pem(made))
        write_whole(certificate, pem(issue(self.authority, made.public_key(), self.worker_name(number), now_ms)))
        return certificate, key

    @property
    def server_key_path(self) -> Path:
        return self.keys.folder / "server.key"

    @property
    def server_certificate_path(self) -> Path:
        return self.keys.folder / "server.crt"

    @property
    def crl_path(self) -> Path:
        return self.keys.folder / "crl.pem"

    def listener(self, folder: Path, port: int, host: str = "127.0.0.1") -> Listener:
        """What the hub's own broker listens with; `folder` is the broker's alone."""
        return Listener(
            folder, self.keys.ca_path, self.server_certificate_path, self.server_key_path, self.crl_path, port, host
        )

    def rules(self, members: Iterable[Member]) -> Rules:
        """The broker's rules for the hub's list of machines as it stands."""
        rows = list(members)
        return Rules(
            workers=frozenset(map(self.worker_name, range(1, WORKERS_MAX + 1))),
            scopes={row.node: frozenset(row.scopes) for row in rows if not row.shut_out},
            revoked=frozenset(row.node for row in rows if row.shut_out),
        )

    def knows(self, identity_record: bytes) -> Identity | None:
        """A record that this hub signed, for a machine not revoked; None for anything else."""
        try:
            return read_identity(identity_record, self._bundle.trust, self.suite)
        except PeerFault:
            return None

    def revoke(
        self,
        node: str,
        key_ids: Sequence[bytes],
        *,
        serials: Sequence[int],
        now_ms: int,
        epoch: int,
        last_good: Sequence[tuple[int, int, int]] = (),
    ) -> Bundle:
        """Shut a machine out: certificates on the list first, then the next bundle, both on disk on return.

        Doing it again changes nothing. The caller marks its row, tells the broker (`Broker.tell`, which also cuts the
        open connection) and publishes the bundle.
        """
        with self._turn:
            for serial in serials:
                self._withdrawn.add(serial, now_ms)
            return self._adopt(with_revoked(self._bundle.trust, node, key_ids, last_good), epoch)

    def raise_marks(self, node: str, *, epoch: int, last_good: Sequence[tuple[int, int, int]]) -> Bundle:
        """Let a node that is shut out count up to these; the next bundle is on disk on return."""
        with self._turn:
            return self._adopt(with_marks(self._bundle.trust, node, last_good), epoch)

    def heed(self, raw: bytes) -> bool:
        """Take a bundle that this hub signed and has forgotten; True: it was above the one in use, and is now in use.

        Raises PeerFault `message.*`, `trust.*` for anything else.
        """
        with self._turn:
            newer = adopt(self._bundle, raw)
            if isinstance(newer, Refused) or newer is self._bundle:
                return False
            save_bundle(self.keys.folder, newer)
            self._bundle = newer
            return True

    def order_key(self, at_ms: int, *, now_ms: int, epoch: int) -> Bundle | Refused:
        """Another signing key of the hub's from `at_ms` on: drawn, then in the next bundle, both on disk on return.

        Refused `hub-key.*`. Raises Unavailable `key.write`.
        """
        with self._turn:
            trust, files = self._bundle.trust, self._key_files()
            refused = decide_order(trust, at_ms=at_ms, now_ms=now_ms, held=self._held(files))
            if refused is not None:
                return refused
            if in_force(trust, now_ms).key_id != self.keys.key_id:
                return Refused("hub-key.pending", {"from_ms": now_ms})
            tls = spki_hash(self.keys.tls_key().public_key())
            said = make_change(self.suite, self.hub, self.keys.signing, files.draw(), tls)
            return self._adopt(ordered(trust, said, self.suite, at_ms=at_ms, now_ms=now_ms), epoch)

    def settle_key(self, now_ms: int, epoch: int) -> bool:
        """Sign with the key that the bundle has for this hub time. True: it is another, or the bundle is signed anew.

        The bundle itself first, so no machine has to believe a newer one by a key that is over. Doing it again changes
        nothing. Raises Unavailable `hub.key-missing`, `key.write`.
        """
        with self._turn:
            due = self.is_key_due(now_ms)
            if not due and self._settled is self._bundle:
                return False
            if due:
                self._key_files().put_in_force()
                self.keys = load_keys(self.keys.folder, self.suite)
            stale = parse_short_header(self._bundle.raw).key_id != self.keys.key_id
            if stale:
                self._sign(self._bundle.trust, epoch)
            self._renew_record(now_ms, epoch)
            self._settled = self._bundle
            return due or stale

    def is_key_due(self, now_ms: int) -> bool:
        """Whether another key is to be put in force at this hub time. One that was is never taken back.

        Raises Unavailable `hub.key-missing` where that key is not on this machine.
        """
        trust, own = self._bundle.trust, self.keys.key_id
        due = in_force(trust, now_ms)
        held = next((key for key in trust.hub_keys if key.key_id == own), None)
        if held is not None and held.from_ms >= due.from_ms:
            return False
        if due.key_id not in self._held(self._key_files()):
            raise Unavailable("hub.key-missing", 3600.0)
        return True

    def key_to_come(self, now_ms: int) -> tuple[HubKey, bool] | None:
        """The signing key that is to come, and whether it is on this machine."""
        coming = to_come(self._bundle.trust, now_ms)
        return None if coming is None else (coming, coming.key_id in self._held(self._key_files()))

    def certify(self, node: str, der: bytes, now_ms: int) -> x509.Certificate:
        """The next certificate of a machine for the TLS key in its last one, which may have been over for 400 days.

        The caller knows that the machine itself asks. Raises PeerFault `certify.leaf`, `certify.withdrawn`,
        `certify.too-late`.
        """
        try:
            leaf = read_certificate(der)
            check_issued(leaf, self.authority.certificate)
        except PeerFault:
            raise PeerFault("certify.leaf") from None
        public = leaf.public_key()
        if leaf.subject.rfc4514_string() != f"CN={node}" or not isinstance(public, ec.EllipticCurvePublicKey):
            raise PeerFault("certify.leaf")
        if leaf.serial_number in self._withdrawn:
            raise PeerFault("certify.withdrawn")
        if now_ms - _ms(leaf.not_valid_after_utc) > RENEW_DAYS * _DAY_MS:
            raise PeerFault("certify.too-late")
        return issue(self.authority, public, node, now_ms)

    def _adopt(self, trust: Trust, epoch: int) -> Bundle:
        if trust is not self._bundle.trust:
            self._sign(trust, epoch)
        return self._bundle

    def _sign(self, trust: Trust, epoch: int) -> None:
        raw = make_bundle(trust, hub=self.hub, epoch=epoch, signing_key=self.keys.signing, suite=self.suite)
        made = read_bundle(raw, self._bundle)
        try:
            self.point("trust.bundle:before")
            save_bundle(self.keys.folder, made)
        except OSError as fault:
            raise Unavailable("key.write", 5.0) from fault
        self.point("trust.bundle:after")
        self._bundle = made

    def _held(self, files: KeyFiles) -> frozenset[bytes]:
        """Ids of the signing keys that are on this machine."""
        coming = files.next
        more = [] if coming is None else [self.suite.key_id(self.suite.signing_public(coming))]
        return frozenset([self.keys.key_id, *more])

    def _key_files(self) -> KeyFiles:
        return KeyFiles(self.keys.folder, self.suite, SystemEntropy(), self.point)

    def _renew_record(self, now_ms: int, epoch: int) -> None:
        """The hub's own identity record names the key in force."""
        told = read_identity(load_secret(self.keys.identity_path), self._bundle.trust, self.suite)
        if told.signing != self.keys.signing_public:
            fresh = replace(told, signing=self.keys.signing_public, issued_ms=now_ms)
            record = make_identity(fresh, hub=self.hub, epoch=epoch, signing_key=self.keys.signing, suite=self.suite)
            self._key_files().keep_identity(record)

    def renew(self, now_ms: int) -> bool:
        """Write the withdrawal list anew when a day old, own certificates at half their life. At start, and daily.

        True: something changed and the broker must be told (certificates: restarted).
        """
        with self._turn:
            stale = self._withdrawn.renew(now_ms)
            old = self._renew_own(now_ms)
            return stale or old

    def _renew_own(self, now_ms: int) -> bool:
        keys = self.keys
        own = (
            (self.server_certificate_path, self.server_key_path, self.hub),
            (keys.tls_certificate_path, keys.tls_key_path, self.worker),
        )
        return any([renew_leaf(self.authority, path, key, name, now_ms) for path, key, name in own])


def make_site(
    folder: Path, *, site: str, hosts: Sequence[str] = (), now_ms: int, entropy: Entropy, suite: Suite
) -> SiteTrust:
    """A new site: root, hub name and keys, certificates, empty list, bundle 1.

    `hosts` go into the server certificate, beside localhost and the hub's name. A whole site is opened as it is.
    `suite`: for as long as the site lives.
    """
    if (folder / "identity.way").exists():
        return open_site(folder)
    keys = make_keys(folder, entropy, suite)
    authority = make_root(site, now_ms)
    hub = node_name("hub", entropy.bytes(5))
    server_key = make_tls_key()
    served = [*LOOPBACK, hub, *(host for host in hosts if host not in (*LOOPBACK, hub))]
    for name, data in (
        ("ca.key", key_pem(authority.key)),
        ("ca.crt", authority.certificate_pem),
        ("server.key", key_pem(server_key)),
        ("server.crt", pem(issue(authority, server_key.public_key(), hub, now_ms, hosts=served))),
        ("tls.crt", pem(issue(authority, keys.tls_key().public_key(), worker_name(hub, 1), now_ms))),
        ("crl.pem", make_crl(authority, (), 1, now_ms)),
    ):
        write_whole(folder / name, data)
    trust = first_trust(
        suite=suite,
        signing_public=keys.signing_public,
        sealing_public=keys.sealing_public,
        authority_der=authority.certificate_der,
        now_ms=now_ms,
    )
    raw = make_bundle(trust, hub=hub, epoch=FIRST_EPOCH, signing_key=keys.signing, suite=suite)
    save_bundle(folder, read_bundle(raw, None))
    own = Identity(
        node=hub,
        role="hub",
        suite=suite.number,
        signing=keys.signing_public,
        sealing=keys.sealing_public,
        tls=spki_hash(keys.tls_key().public_key()),
        issued_ms=now_ms,
    )
    # Last: its presence says that the site is whole.
    record = make_identity(own, hub=hub, epoch=FIRST_EPOCH, signing_key=keys.signing, suite=suite)
    create_secret(keys.identity_path, record)
    return open_site(folder)


def open_site(folder: Path) -> SiteTrust:
    """The site whose hub keeps its keys in `folder`. Raises Unavailable `key.*` when a file is missing or damaged."""
    keys = load_keys(folder)
    authority = load_authority(load_secret(folder / "ca.key"), load_secret(folder / "ca.crt"))
    bundle = load_bundle(folder)
    if bundle.suite is not keys.suite:
        raise PeerFault("trust.suite")
    identity = read_identity(load_secret(keys.identity_path), bundle.trust, keys.suite)
    return SiteTrust(keys, authority, bundle, identity.node)


def _ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
