"""Where this hub keeps sealed bytes: a folder of its own, or the site's S3-compatible store."""

from __future__ import annotations

import json
from pathlib import Path

from hub.settings import Blobs
from sync.adapters.blob_store import BlobStore, s3
from sync.adapters.blob_store.folder import FolderStore
from sync.kernel.outcome import PeerFault
from sync.kernel.suite import Suite


def open_blobs(folder: Path, settings: Blobs, suite: Suite) -> BlobStore:
    """The store that the settings name. Raises PeerFault `settings` when its key file cannot be read."""
    if not settings.s3_url:
        return FolderStore(folder / "data" / "blobs", suite.hash)
    try:
        keys = json.loads(Path(settings.s3_key_file).read_text("utf-8"))
        access_key, secret_key = str(keys["access_key"]), str(keys["secret_key"])
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise PeerFault("settings", "blobs.s3_key_file") from fault
    client = s3.connect(settings.s3_url, region=settings.s3_region, access_key=access_key, secret_key=secret_key)
    return s3.S3Store(client, settings.s3_bucket, suite.hash)
