"""The hub's keys in the backup place, readable with a recovery key that lies in a safe and nowhere else.

A backup is encrypted with the key of the hub's database. A hub whose machine is gone has lost that key too, so keys and
settings are sealed to the public half of a recovery key; the private half is written once, to a file that an operator
takes away.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

from provisioning.trust.bundle import FILE as BUNDLE
from provisioning.trust.bundle import Bundle, adopt, load_bundle, save_bundle
from provisioning.trust.node_keys import suite_in
from sync.adapters.idgen import Entropy
from sync.adapters.keys import KEY_BYTES, create_secret, load_key, write_whole
from sync.adapters.keys.suites import suite_of
from sync.kernel.outcome import PeerFault, Unavailable
from sync.kernel.suite import NUMBERS

PUBLIC = "recovery.pub"
_INFO = b"way/1 hub keys\0"
_NAME = re.compile(r"keys/[A-Za-z0-9][A-Za-z0-9._-]{0,60}|settings\.toml|data/ports\.json")


def make_recovery_key(directory: Path, to: Path, entropy: Entropy) -> None:
    """Draw a recovery key: public half among the hub's keys, private half at `to`. Raises FileExistsError."""
    suite = suite_in(directory / "keys")
    while not suite.is_private(private := entropy.bytes(KEY_BYTES)):
        pass
    create_secret(to, private)
    write_whole(directory / "keys" / PUBLIC, suite.sealing_public(private))


def sealed_keys(directory: Path) -> bytes | None:
    """Keys and settings of the hub in `directory`; None while there is no recovery key."""
    public = directory / "keys" / PUBLIC
    if not public.exists():
        return None
    files = [*sorted((directory / "keys").iterdir()), directory / "settings.toml", directory / "data" / "ports.json"]
    held = {
        str(path.relative_to(directory)): base64.b64encode(path.read_bytes()).decode()
        for path in files
        if path.is_file() and _NAME.fullmatch(str(path.relative_to(directory)))
    }
    return suite_in(directory / "keys").seal(public.read_bytes(), _INFO, json.dumps(held).encode())


def _opened(recovery: bytes, sealed: bytes) -> bytes:
    """By whichever suite sealed it: the records that say so are inside."""
    for number in sorted(NUMBERS):
        try:
            return suite_of(number).open(recovery, _INFO, sealed)
        except PeerFault:
            continue
    raise PeerFault("seal")


def put_keys_back(directory: Path, sealed: Path, recovery: Path) -> None:
    """The keys of a stopped hub as they were sealed last; the newer of the two trust bundles stays.

    Doing it again changes nothing. Raises Unavailable `backup.no-keys`, `backup.recovery-key`, PeerFault `message.*` of
    another site's.
    """
    keys = directory / "keys"
    held = load_bundle(keys)
    for name, data in sorted(_sealed_files(sealed, recovery).items()):
        if name.startswith("keys/") and name != f"keys/{BUNDLE}":
            write_whole(directory / name, data)
        elif name == f"keys/{BUNDLE}" and isinstance(newer := adopt(held, data), Bundle):
            save_bundle(keys, newer)


def unseal_keys(sealed: Path, recovery: Path, directory: Path) -> None:
    """Write keys and settings into an empty directory. Raises Unavailable `backup.no-keys`, `backup.recovery-key`."""
    files = _sealed_files(sealed, recovery)
    for part in ("", "keys", "data"):
        (directory / part).mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, data in sorted(files.items()):
        write_whole(directory / name, data)


def _sealed_files(sealed: Path, recovery: Path) -> dict[str, bytes]:
    """Bytes by name relative to the hub's directory."""
    try:
        raw = sealed.read_bytes()
    except OSError as fault:
        raise Unavailable("backup.no-keys", 0.0) from fault
    try:
        held = json.loads(_opened(load_key(recovery), raw))
        return {name: base64.b64decode(text) for name, text in held.items() if _NAME.fullmatch(name)}
    except (PeerFault, ValueError) as fault:
        raise Unavailable("backup.recovery-key", 0.0) from fault
