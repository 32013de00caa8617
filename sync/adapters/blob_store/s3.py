"""Blobs in an S3-compatible store: one object a chunk, and a small object that says that all are here and right.

Chunks of 1 MiB are below what a multipart upload takes for a part, so they stay objects of their own. The marker is
written last and read first. Source: Amazon S3 API, "Multipart upload limits".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sync.kernel.outcome import Unavailable
from sync.protocol.blob import ID_BYTES, blob_id

_RETRY_S = 30.0
_DIGEST = "way-digest"
_ABSENT = ("404", "NoSuchKey", "NotFound")


def connect(endpoint_url: str, *, region: str, access_key: str, secret_key: str) -> Any:
    """A client of the store at `endpoint_url`. Nothing is read from the environment of whoever runs this."""
    import boto3
    from botocore.config import Config

    session = boto3.session.Session(aws_access_key_id=access_key, aws_secret_access_key=secret_key, region_name=region)
    patience = Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 3, "mode": "standard"})
    return session.client("s3", endpoint_url=endpoint_url, config=patience)


class S3Store:
    """A `BlobStore` of one bucket, which must exist; several workers may share it. `hash32` is the suite's hash."""

    def __init__(self, client: Any, bucket: str, hash32: Callable[[bytes], bytes], prefix: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._hash32 = hash32
        self._prefix = prefix

    def missing(self, blob: bytes, chunks: int) -> list[int]:
        if self.size(blob) is not None:
            return []
        here = set(self._numbers(blob))
        return [n for n in range(chunks) if n not in here]

    def put(self, blob: bytes, n: int, data: bytes) -> None:
        if self.size(blob) is not None:
            return
        with _kept():
            self._client.put_object(
                Bucket=self._bucket, Key=self._part(blob, n), Body=data, Metadata={_DIGEST: self._hash32(data).hex()}
            )

    def finish(self, blob: bytes, chunks: int) -> bool:
        if self.size(blob) is not None:
            return True
        if self._numbers(blob) != list(range(chunks)):
            return False
        told = [self._told(self._part(blob, n)) for n in range(chunks)]
        if blob_id((bytes.fromhex(row["Metadata"][_DIGEST]) for row in told), self._hash32) != blob:
            self.drop(blob)
            return False
        size = sum(int(row["ContentLength"]) for row in told)
        with _kept():
            marker = json.dumps({"size": size, "chunks": chunks}).encode()
            self._client.put_object(Bucket=self._bucket, Key=self._whole(blob), Body=marker)
        return True

    def size(self, blob: bytes) -> int | None:
        marker = self._get(self._whole(blob))
        return None if marker is None else int(json.loads(marker)["size"])

    def chunk(self, blob: bytes, n: int) -> bytes | None:
        return None if self.size(blob) is None else self._get(self._part(blob, n))

    def drop(self, blob: bytes) -> None:
        with _kept():
            # The marker goes first: what is half gone must not look whole.
            self._client.delete_object(Bucket=self._bucket, Key=self._whole(blob))
            for n in self._numbers(blob):
                self._client.delete_object(Bucket=self._bucket, Key=self._part(blob, n))

    def finished(self) -> Iterator[bytes]:
        for key in self._keys(f"{self._prefix}held/"):
            yield bytes.fromhex(key.rpartition("/")[2])

    def _part(self, blob: bytes, n: int) -> str:
        return f"{self._prefix}parts/{_name(blob)}/{n}"

    def _whole(self, blob: bytes) -> str:
        return f"{self._prefix}held/{_name(blob)}"

    def _numbers(self, blob: bytes) -> list[int]:
        return sorted(int(key.rpartition("/")[2]) for key in self._keys(f"{self._prefix}parts/{_name(blob)}/"))

    def _keys(self, prefix: str) -> list[str]:
        """All keys below a prefix, in the store's order, which is ascending."""
        with _kept():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return [row["Key"] for page in pages for row in page.get("Contents", ())]

    def _told(self, key: str) -> Any:
        with _kept():
            return self._client.head_object(Bucket=self._bucket, Key=key)

    def _get(self, key: str) -> bytes | None:
        with _kept():
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
            except self._client.exceptions.ClientError as fault:
                if fault.response.get("Error", {}).get("Code") in _ABSENT:
                    return None
                raise
            return bytes(answer["Body"].read())


def _name(blob: bytes) -> str:
    assert len(blob) == ID_BYTES
    return blob.hex()


@contextmanager
def _kept() -> Iterator[None]:
    """What the store or the way to it refuses is unavailable, never a bug of ours."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError):
        raise Unavailable("blob.store", _RETRY_S) from None
