"""Names of machines, streams and facts.

Source: protocol way/1, section 1 (forms) and section 2 (fact id).
"""

from __future__ import annotations

import base64
import re
from typing import NamedTuple

from sync.kernel.limits import INT_MAX
from sync.kernel.outcome import PeerFault

NODE_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{3,15}")
LABEL_PATTERN = re.compile(r"[a-z]{2,12}(:[A-Za-z0-9._-]{1,40})?")

CONTROL, LIVE, BULK = 0, 1, 2
LANES = (CONTROL, LIVE, BULK)
FEED_LANE = 255


class StreamId(NamedTuple):
    """One gapless sequence: what one process start of one node wrote in one lane."""

    node: str
    incarnation: int
    lane: int


class FactId(NamedTuple):
    """A fact by its place: (node, incarnation, lane, seq). Sorts by machine, start, lane and position."""

    node: str
    incarnation: int
    lane: int
    seq: int

    def __str__(self) -> str:
        return f"{self.node}/{self.incarnation:016x}/{self.lane}/{self.seq}"

    @property
    def stream(self) -> StreamId:
        return StreamId(self.node, self.incarnation, self.lane)


def parse_fact_id(text: str) -> FactId:
    """Read `node/incarnation in hex/lane/seq`. Raises PeerFault `fact-id`."""
    parts = text.split("/")
    try:
        node, incarnation, lane, seq = parts
        made = FactId(node, int(incarnation, 16), int(lane), int(seq))
    except ValueError:
        raise PeerFault("fact-id") from None
    inside = 0 < made.incarnation <= INT_MAX and 1 <= made.seq <= INT_MAX
    if not NODE_PATTERN.fullmatch(made.node) or made.lane not in LANES or not inside:
        raise PeerFault("fact-id")
    return made


def node_name(role_word: str, random5: bytes) -> str:
    """`role-` and 8 base32 characters of 5 random bytes, e.g. `courier-a3k7q2xw`. Role words: courier, records, hub."""
    name = f"{role_word}-{base64.b32encode(random5).decode().lower()}"
    assert NODE_PATTERN.fullmatch(name), name
    return name


def pad_node(node: str) -> bytes:
    """The 16 bytes a node has in headers and hashes: ASCII, zero-padded."""
    return node.encode("ascii").ljust(16, b"\0")


def unpad_node(raw: bytes) -> str:
    """Back from 16 bytes. Raises PeerFault `node-name` on anything but the one padded form."""
    try:
        node = raw.rstrip(b"\0").decode("ascii")
    except UnicodeDecodeError:
        raise PeerFault("node-name") from None
    if not NODE_PATTERN.fullmatch(node) or pad_node(node) != raw:
        raise PeerFault("node-name")
    return node


def check_label(label: object) -> str:
    """A scope label or PeerFault `label`."""
    if type(label) is not str or not LABEL_PATTERN.fullmatch(label):
        raise PeerFault("label")
    return label


def incarnation_from(random8: bytes) -> int:
    """63 random bits, never 0. Source: protocol way/1, section 1 (top bit 0: SQLite and the CBOR subset are signed)."""
    return (int.from_bytes(random8, "big") & (2**63 - 1)) or 1
