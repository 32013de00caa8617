"""The key folder of a node, `D/keys`: its own secrets, and what the site told it about whom to believe.

| file | what |
|---|---|
| signing.key, sealing.key, store.key | 32 raw bytes each: two keys of the suite, and the database's |
| tls.key, tls.crt, ca.crt | P-256, the leaf the site gave it, the site's root |
| identity.way, trust.way | signed messages of the hub |
| signing.next, signing.former | while the signing key changes, and after: see `key_files` |

All are made or checked on the node; no secret leaves it.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from provisioning.trust.ca import key_pem, load_tls_key, make_tls_key
from provisioning.trust.key_files import KeyFiles
from sync.adapters.idgen import Entropy, SystemEntropy
from sync.adapters.keys import create_secret, load_key, load_or_create_key, load_secret
from sync.adapters.keys.suites import suite_of
from sync.kernel.outcome import Unavailable
from sync.kernel.suite import Suite
from sync.protocol.message import parse_short_header


@dataclass(frozen=True, slots=True, repr=False)
class NodeKeys:
    """A node's secrets, the suite they are for, and where its files are."""

    folder: Path
    signing: bytes
    sealing: bytes
    store: bytes
    suite: Suite

    @property
    def files(self) -> KeyFiles:
        """The signing key's files, for who changes it."""
        return KeyFiles(self.folder, self.suite, SystemEntropy())

    @property
    def signing_public(self) -> bytes:
        return self.suite.signing_public(self.signing)

    @property
    def sealing_public(self) -> bytes:
        return self.suite.sealing_public(self.sealing)

    @property
    def key_id(self) -> bytes:
        return self.suite.key_id(self.signing_public)

    @property
    def tls_key_path(self) -> Path:
        return self.folder / "tls.key"

    @property
    def tls_certificate_path(self) -> Path:
        return self.folder / "tls.crt"

    @property
    def ca_path(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def identity_path(self) -> Path:
        return self.folder / "identity.way"

    @property
    def joined(self) -> bool:
        """Whether the site has let this machine in: the identity record is written last."""
        return self.identity_path.exists()

    def tls_key(self) -> ec.EllipticCurvePrivateKey:
        return load_tls_key(load_secret(self.tls_key_path))


def make_keys(folder: Path, entropy: Entropy, suite: Suite) -> NodeKeys:
    """The keys in `folder`, drawn where missing; existing ones stay. Folder mode 0700."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in ("signing.key", "sealing.key"):
        load_or_create_key(folder / name, entropy, suite.is_private)
    load_or_create_key(folder / "store.key", entropy)
    if not (folder / "tls.key").exists():
        with contextlib.suppress(FileExistsError):
            create_secret(folder / "tls.key", key_pem(make_tls_key()))
    return load_keys(folder, suite)


def load_keys(folder: Path, suite: Suite | None = None) -> NodeKeys:
    """The keys in `folder`. Raises Unavailable `key.*` when one is missing, damaged or open to others; `suite.*`.

    `suite`: for a machine that has not joined yet; one that has is of the suite in its identity record.
    """
    suite = suite or suite_in(folder)
    signing, sealing = load_key(folder / "signing.key"), load_key(folder / "sealing.key")
    if not suite.is_private(signing) or not suite.is_private(sealing):
        raise Unavailable("key.damaged")
    return NodeKeys(folder, signing, sealing, load_key(folder / "store.key"), suite)


def suite_in(folder: Path) -> Suite:
    """The suite that the identity record in `folder` pins; 1 where there is none. Raises Unavailable `suite.*`."""
    identity = folder / "identity.way"
    return suite_of(parse_short_header(identity.read_bytes()).suite if identity.exists() else 1)
