"""What is said of a blob. Entity type 3, key: the blob id as hex. The bytes themselves never travel as facts.

Source: protocol way/1, section 2 (kind 6) and 7.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sync.kernel.fact import Key, NewFact
from sync.kernel.limits import BLOB_BYTES_MAX, KEY_TEXT_BYTES_MAX
from sync.merge.shape import Shape, body_of, octets, pattern, text, uint

BLOB: Final = 3
DESCRIBED: Final = 6

blob_key: Final = pattern(r"[0-9a-f]{64}")

SHAPES: Final[Mapping[int, Shape]] = {
    DESCRIBED: Shape(
        {1: uint(BLOB_BYTES_MAX), 3: pattern(r"[a-z]+/[a-z0-9.+-]{1,60}"), 4: uint(65535), 5: text(KEY_TEXT_BYTES_MAX)},
        {6: uint(100_000), 7: octets(8), 8: octets(32)},
    ),
}


def described(
    blob: bytes,
    size_bytes: int,
    media_type: str,
    owner: tuple[int, Key],
    *,
    page: int | None = None,
    key_id: bytes | None = None,
    preview: bytes | None = None,
) -> NewFact:
    """A blob of `size_bytes` sealed bytes belongs to an entity. `key_id`: what unseals it. `preview`: a small blob."""
    told = {1: size_bytes, 3: media_type, 4: owner[0], 5: owner[1], 6: page, 7: key_id, 8: preview}
    return NewFact(DESCRIBED, BLOB, blob.hex(), body_of(SHAPES[DESCRIBED], told))
