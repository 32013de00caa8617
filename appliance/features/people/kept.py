"""The list of people beside the database, for one that had to be replaced: who may sign in before the hub is reached.

Sealed to this box and signed by it, written whole after every change. It is believed only when this box's own
signature holds; what the hub says of a person, once it is heard, replaces it, and whom the hub no longer names goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from appliance.features.people import store as people
from sync.adapters.keys import write_whole
from sync.adapters.sqlite_log.meta import set_meta
from sync.adapters.sqlite_log.node_store import Change, NodeStore
from sync.adapters.sqlite_log.repair import Repair
from sync.domain.people.facts import PERSON
from sync.kernel import canonical
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import SIGNATURE_BYTES, Suite

_FLAG, _REPAIR = "people_kept", "people_repair"
_INFO = b"way/1 people kept\0"
_PEOPLE_MAX = 20_000
_BYTES_MAX = 16 * 1024 * 1024


class KeptPeople:
    """One box's. `signing` and `sealing`: its secret keys; `former`: public keys that it signed with before."""

    def __init__(
        self, store: NodeStore, path: Path, signing: bytes, sealing: bytes, former: Sequence[bytes] = ()
    ) -> None:
        self._store = store
        self._path = path
        self._signing = signing
        self._sealing = sealing
        self._put = False  # from the file, and the hub has not told its own list since
        self._publics = (store.suite.signing_public(signing), *former)

    def start(self, repair: Repair | None) -> None:
        """`repair`: the newest of this database. Once after each, its people are those of the file."""
        if repair is not None and self._store.meta_int(_REPAIR) != repair.at_ms:
            self._put_back(repair)
        self._put = bool(self._store.meta_int(_FLAG))
        if self._settle():
            self._save()
        self._store.listen(self._changed)

    def _changed(self, changes: Sequence[Change]) -> None:
        of_people = any(change.etype == PERSON for change in changes)
        if self._settle() and of_people:
            self._save()

    def _settle(self) -> bool:
        """Whether the list is the hub's own: after a repair, once its scope has come again."""
        if not self._put:  # asked after every commit, so not of the disk
            return True
        with self._store.read() as conn:
            if not people.arrived(conn):
                return False
        with self._store.write() as unit:
            people.drop_unnamed(unit.conn)
            set_meta(unit.conn, _FLAG, 0)
        self._put = False
        self._save()
        return True

    def _save(self) -> None:
        with self._store.read() as conn:
            rows = people.rows(conn)
        suite = self._store.suite
        plain = canonical.encode({1: self._store.node, 2: rows})
        sealed = suite.seal(suite.sealing_public(self._sealing), _INFO, plain)
        write_whole(self._path, suite.sign(self._signing, _INFO + sealed) + sealed)

    def _put_back(self, repair: Repair) -> None:
        rows: list[tuple[Any, ...]] = []
        try:
            rows = self._read()
        except (PeerFault, OSError):
            self._store.tally("people.kept-unreadable")
        with self._store.write() as unit:
            people.put(unit.conn, rows)
            set_meta(unit.conn, _FLAG, 1)
            set_meta(unit.conn, _REPAIR, repair.at_ms)

    def _read(self) -> list[tuple[Any, ...]]:
        """Raises PeerFault for what this box did not write, OSError where there is nothing."""
        suite: Suite = self._store.suite
        raw = self._path.read_bytes()
        signature, sealed = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
        if not any(suite.verify(public, _INFO + sealed, signature) for public in self._publics):
            raise PeerFault("people.kept-signature")
        told = canonical.decode(suite.open(self._sealing, _INFO, sealed), max_bytes=_BYTES_MAX)
        if told[1] != self._store.node or len(told[2]) > _PEOPLE_MAX:
            raise PeerFault("people.kept-other")
        return [tuple(row) for row in told[2]]
