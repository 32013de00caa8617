"""How a scope begins on a box that holds nothing of it: the hub's snapshot in segments, then the tail, then shown.

Every segment that came whole is staged before the line is asked for more, so that a cut costs at most the one on its
way. Source: protocol way/1, section 7.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from appliance.link.trust_book import TrustBook
from sync.adapters.sqlite_log import bootstrap
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.down import Cursor, Tail
from sync.kernel.outcome import PeerFault
from sync.protocol import message
from sync.protocol.notices import ScopeHead
from sync.protocol.segment import snapshot_entries
from sync.protocol.snapshot import Manifest, segment_hash

STAGE_EVERY_S = 0.25
"""Segments that come faster than this are staged together."""

FetchTail = Callable[[Cursor, ScopeHead], Tail | None]


class HubSnapshots(Protocol):
    """What the hub serves of snapshots. Raises Unavailable when the line does not carry it."""

    def manifest(self, label: str) -> bytes: ...

    def snapshot(self, label: str, epoch: int, sseq: int, k: int) -> Iterator[bytes]: ...


class Starting:
    """One store's beginnings. The thread that takes rounds uses it."""

    def __init__(self, store: ApplianceStore, hub: HubSnapshots, book: TrustBook) -> None:
        self._store = store
        self._hub = hub
        self._book = book

    def begin(self, head: ScopeHead, epoch: int, hub_ms: int, tail_to: FetchTail) -> bool:
        """Bring a scope up to `head` from a snapshot. False: the hub has none that serves, so the scope is repaired.

        Raises Unavailable when the line fails: what came whole is kept for the next call.
        """
        label = head.label
        signed = self._choose(label, epoch)
        if signed is None:
            return False
        manifest = self._open(signed, label, epoch)
        try:
            segments = self._fetch(manifest, signed)
        except PeerFault:
            bootstrap.drop(self._store, label)
            raise
        if segments is None:
            bootstrap.drop(self._store, label)
            return False
        tail: Tail | None = Tail(label, epoch, manifest.sseq, manifest.e, ())
        if head.sseq > manifest.sseq:
            tail = tail_to(Cursor(label, epoch, manifest.sseq, manifest.e, False, 0), head)
        if tail is None:
            bootstrap.drop(self._store, label)
            return False
        try:
            return bootstrap.apply_snapshot(
                self._store, manifest, (snapshot_entries(raw, label) for raw in segments), tail, hub_ms
            )
        except PeerFault:
            bootstrap.drop(self._store, label)
            raise

    def _choose(self, label: str, epoch: int) -> bytes | None:
        """The manifest that was begun, where it is of this epoch; else the hub's newest. None: there is none."""
        begun = bootstrap.begun(self._store, label)
        if begun is not None:
            if self._open(begun, label, None).epoch == epoch:
                return begun
            bootstrap.drop(self._store, label)
        return self._hub.manifest(label) or None

    def _open(self, signed: bytes, label: str, epoch: int | None) -> Manifest:
        opened = self._book.open(signed)
        if opened.type != message.MANIFEST:
            raise PeerFault("manifest.body")
        manifest = Manifest.read(opened.body)
        if manifest.label != label or manifest.epoch != opened.epoch or epoch not in (None, manifest.epoch):
            raise PeerFault("manifest.place")
        return manifest

    def _fetch(self, manifest: Manifest, signed: bytes) -> Sequence[bytes] | None:
        """All segments in order. None: the hub has this snapshot no more, or the scope was taken away."""
        have = bootstrap.staged_segments(self._store, manifest.label)
        wanted = manifest.segments
        fresh: dict[int, bytes] = {}
        staged_s = self._store.clock.boot_s()
        try:
            while len(have) < len(wanted):
                k = first = next(k for k in range(len(wanted)) if k not in have)
                for raw in self._hub.snapshot(manifest.label, manifest.epoch, manifest.sseq, first):
                    if k >= len(wanted) or segment_hash(self._store.suite.hasher, raw) != wanted[k]:
                        raise PeerFault("snapshot.segment")
                    have[k] = fresh[k] = raw
                    k += 1
                    if self._store.clock.boot_s() - staged_s >= STAGE_EVERY_S:
                        if not self._stage(manifest, signed, fresh):
                            return None
                        staged_s = self._store.clock.boot_s()
                if k == first:
                    return None
        except BaseException:
            self._stage(manifest, signed, fresh)
            raise
        return [have[k] for k in range(len(wanted))]

    def _stage(self, manifest: Manifest, signed: bytes, fresh: dict[int, bytes]) -> bool:
        kept = not fresh or bootstrap.stage(self._store, manifest, signed, fresh)
        fresh.clear()
        return kept
