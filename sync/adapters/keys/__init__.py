"""Secrets on disk: small files, readable by their owner alone, there whole or not at all.

A key file is never replaced by drawing a new key: what the lost key opened would stay shut without anybody noticing.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from sync.adapters.idgen import Entropy
from sync.kernel.outcome import Unavailable

KEY_BYTES = 32
_SECRET_MODE = 0o600


def sync_folder(folder: Path) -> None:
    """Make names created or removed in `folder` survive a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _written_beside(path: Path, data: bytes, mode: int) -> Path:
    fd, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(fd, mode)
            os.fsync(fd)
    except BaseException:
        os.unlink(name)
        raise
    return Path(name)


def write_whole(path: Path, data: bytes, *, mode: int = _SECRET_MODE) -> None:
    """Put `data` at `path`, replacing what was there: a reader sees the old file or the new one, also after a cut."""
    os.replace(_written_beside(path, data, mode), path)
    sync_folder(path.parent)


def create_secret(path: Path, data: bytes) -> None:
    """Put `data` at `path`, mode 0600, unless something is there. Raises FileExistsError and changes nothing then."""
    beside = _written_beside(path, data, _SECRET_MODE)
    try:
        os.link(beside, path)
    finally:
        os.unlink(beside)
    sync_folder(path.parent)


def load_secret(path: Path) -> bytes:
    """Read a secret. Raises Unavailable `key.missing`, or `key.permissions` when others may read or change it."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        raise Unavailable("key.missing") from None
    except OSError as why:
        raise Unavailable("key.unreadable") from why
    with open(fd, "rb") as file:
        if os.fstat(fd).st_mode & 0o077:
            raise Unavailable("key.permissions")
        return file.read()


def load_key(path: Path) -> bytes:
    """A key of 32 raw bytes. Raises Unavailable as `load_secret`, or `key.damaged` when the length is wrong."""
    raw = load_secret(path)
    if len(raw) != KEY_BYTES:
        raise Unavailable("key.damaged")
    return raw


def load_or_create_key(path: Path, entropy: Entropy, serves: Callable[[bytes], bool] = lambda drawn: True) -> bytes:
    """The key at `path`, drawn and stored first when there is none. Two processes at once agree on one key.

    `serves`: whether drawn bytes may be a key; drawn again until they may.
    """
    if not path.exists():
        while not serves(drawn := entropy.bytes(KEY_BYTES)):
            pass
        with contextlib.suppress(FileExistsError):
            create_secret(path, drawn)
    return load_key(path)
