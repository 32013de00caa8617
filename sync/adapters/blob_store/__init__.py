"""Where sealed bytes lie, by the name of what is in them: a folder, or an S3-compatible store behind the same calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class BlobStore(Protocol):
    """Chunks come in any order and any number of times; a blob is readable when it is finished, and only then.

    Thread-safe. Every call may raise Unavailable `blob.store`; nothing is half-written then.
    """

    def missing(self, blob: bytes, chunks: int) -> list[int]:
        """Chunk numbers (from 0) that are not here yet, ascending; none for a finished blob."""
        ...

    def put(self, blob: bytes, n: int, data: bytes) -> None:
        """Keep a chunk, durably when this returns. A chunk of a finished blob is already here."""
        ...

    def finish(self, blob: bytes, chunks: int) -> bool:
        """Whether the chunks are all here and are what the name says; the blob is then whole and durable.

        Wrong ones are thrown away, so that sending begins anew.
        """
        ...

    def size(self, blob: bytes) -> int | None:
        """Bytes of a finished blob, None of any other."""
        ...

    def chunk(self, blob: bytes, n: int) -> bytes | None:
        """A chunk of a finished blob; None when there is none."""
        ...

    def drop(self, blob: bytes) -> None:
        """Forget a blob, finished or not. Idempotent."""
        ...

    def finished(self) -> Iterator[bytes]:
        """The names of all finished blobs, ascending."""
        ...
