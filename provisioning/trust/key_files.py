"""The files of a signing key that changes: the next one beside the one in force, until the hub has signed for it.

| file | what |
|---|---|
| signing.key | the key in force |
| signing.next | the next one, drawn and not yet in force |
| signing.former | public keys of those that were, one after the other |

At every instant a key that the hub takes is there: the next one is durable before anybody hears of it, the record of it
before it is put in force, and that is one rename.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from sync.adapters.idgen import Entropy
from sync.adapters.keys import KEY_BYTES, create_secret, load_key, load_secret, sync_folder, write_whole
from sync.kernel.outcome import Unavailable
from sync.kernel.suite import PUBLIC_BYTES, Suite

SIGNING, NEXT, FORMER, IDENTITY = "signing.key", "signing.next", "signing.former", "identity.way"
FORMER_MAX = 64


def _nobody(place: str) -> None:
    """Nobody listens."""


class KeyFiles:
    """Of one key folder. `point` is told of each durable step, as a store tells its own; what it raises ends it."""

    def __init__(self, folder: Path, suite: Suite, entropy: Entropy, point: Callable[[str], None] = _nobody) -> None:
        self._folder = folder
        self._suite = suite
        self._entropy = entropy
        self._point = point

    @property
    def signing(self) -> bytes:
        """The secret key in force."""
        return load_key(self._folder / SIGNING)

    @property
    def next(self) -> bytes | None:
        """The secret key that is to come."""
        path = self._folder / NEXT
        return load_key(path) if path.exists() else None

    @property
    def former(self) -> tuple[bytes, ...]:
        """Public keys of those that were in force."""
        path, size = self._folder / FORMER, PUBLIC_BYTES[self._suite.number]
        raw = load_secret(path) if path.exists() else b""
        return tuple(raw[at : at + size] for at in range(0, len(raw) - size + 1, size))

    @property
    def identity(self) -> bytes:
        """The hub's newest record of this machine; empty where there is none."""
        path = self._folder / IDENTITY
        return path.read_bytes() if path.exists() else b""

    def draw(self) -> bytes:
        """A next key; the one that waits already, where there is one. Raises Unavailable `key.write`."""
        if self.next is None:
            while not self._suite.is_private(drawn := self._entropy.bytes(KEY_BYTES)):
                pass
            self._step("key.next", lambda: create_secret(self._folder / NEXT, drawn))
        found = self.next
        assert found is not None
        return found

    def keep_identity(self, raw: bytes) -> None:
        """The hub's record, durable on return. Raises Unavailable `key.write`."""
        self._step("key.identity", lambda: write_whole(self._folder / IDENTITY, raw))

    def put_in_force(self) -> None:
        """The next key is the one in force. Raises Unavailable `key.write`: then it is still to come, or is already."""

        def put() -> None:
            public = self._suite.signing_public(self.signing)
            former = self.former
            if public not in former:
                write_whole(self._folder / FORMER, b"".join((*former, public)[-FORMER_MAX:]))
            os.replace(self._folder / NEXT, self._folder / SIGNING)
            sync_folder(self._folder)

        self._step("key.switch", put)

    def _step(self, name: str, act: Callable[[], None]) -> None:
        try:
            self._point(f"{name}:before")
            act()
        except OSError as fault:
            raise Unavailable("key.write", 5.0) from fault
        self._point(f"{name}:after")
