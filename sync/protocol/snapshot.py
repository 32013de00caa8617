"""A scope whole, as of one position: how a box that holds nothing of it starts.

The run is made of ordinary segments with one `state` entry an entity, in key order. Its chain does not begin with zero
bytes, so that no part of it continues a feed. The manifest names every segment by its hash: what was fetched is
checked against that, whatever way it came and however often the line was cut.
Source: protocol way/1, section 7.1; field 8 of the manifest is this page's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sync.kernel.outcome import PeerFault
from sync.kernel.suite import Hasher
from sync.protocol.fields import COUNT, H16, Fields, H, count, is_label

_BODY = "manifest.body"
SEGMENTS_MAX = 1800
"""Hashes that fit a message of 64 KiB: 1.8 million entities of one scope."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """`segments`: the hash of each whole segment, in order. `rows`: entities in all of them. `hub_time`: an HLC."""

    label: str
    epoch: int
    sseq: int
    e: bytes
    root: bytes
    rows: int
    segments: tuple[bytes, ...]
    hub_time: int

    def body(self) -> Mapping[int, Any]:
        """The numbered map."""
        return {
            1: self.label,
            2: self.epoch,
            3: self.sseq,
            4: self.e,
            5: self.root,
            6: self.rows,
            7: self.segments,
            8: self.hub_time,
        }

    @classmethod
    def read(cls, body: object) -> Manifest:
        """Raises PeerFault `manifest.body`."""
        fields = Fields(body, _BODY)
        found = cls(
            label=fields.one(1, is_label),
            epoch=fields.one(2, count(2**32 - 1, least=1)),
            sseq=fields.one(3, COUNT),
            e=fields.one(4, H),
            root=fields.one(5, H16),
            rows=fields.one(6, COUNT),
            segments=fields.values(7, H, most=SEGMENTS_MAX),
            hub_time=fields.one(8, COUNT),
        )
        if not len(found.segments) <= found.rows:
            raise PeerFault(_BODY)
        return found


def segment_hash(hasher: Hasher, raw: bytes) -> bytes:
    """What the manifest says of a segment."""
    return hasher(raw).digest()


def chain_start(hasher: Hasher, label: str, sseq: int, e: bytes) -> bytes:
    """The hash before the first entry of the run at this position of the feed."""
    return hasher(b"way/1 snapshot\0" + label.encode("ascii") + b"\0" + sseq.to_bytes(8, "big") + e).digest()


def run_name(label: str, epoch: int, sseq: int, k: int) -> str:
    """`{label}/{epoch}/snap-{sseq}/{k}`, k from 0."""
    return f"{label}/{epoch}/snap-{sseq}/{k}"
