"""Sealed bytes in backups: two of them hold a blob before a box may let go of it, and a lost hub gets it back."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hub.backup.blobs import read_list
from hub.backup.place import Place
from hub.boot import Hub
from hub.link.blob_desk import DAY_MS, BlobDesk
from provisioning.trust.node_keys import suite_in
from sync.adapters.blob_store.folder import FolderStore
from sync.adapters.keys import load_key
from sync.adapters.keys.suites import suite_of
from sync.kernel import canonical
from sync.kernel.limits import BLOB_CHUNK_BYTES, KEEP_ACKED_DAYS
from sync.kernel.suite import Suite, suite1
from sync.protocol import message
from sync.protocol.ack import Ack
from sync.protocol.blob import blob_id, cut
from tests.adapters.backup.conftest import running, waystation

Site = Callable[[], Path]
SENDER: Any = SimpleNamespace(node="records-aaaaaaaa")
"""All that a desk asks of who finishes a blob."""


def blobs_of(folder: Path) -> FolderStore:
    return FolderStore(folder / "data" / "blobs", suite_in(folder / "keys").hash)


def desk_of(hub: Hub, folder: Path) -> BlobDesk:
    return BlobDesk(hub.store, hub.voice, blobs_of(folder), hub.voice.suite.hash, hub.backups.safe_blob)


def bring(desk: BlobDesk, size: int, seed: int, suite: Suite = suite1) -> bytes:
    """As a box does."""
    parts = list(cut(random.Random(seed).randbytes(size)))
    blob = blob_id(map(suite.hash, parts), suite.hash)
    desk.want(SENDER, blob, size)
    for n, data in enumerate(parts):
        desk.put(blob, n, data, suite.hash(data))
    assert not safe(desk, blob), "no backup has it yet"
    return blob


def safe(desk: BlobDesk, blob: bytes) -> bool:
    ack = Ack.read(canonical.decode(desk.finish(SENDER, blob)[message.SIGNED_BYTES :]))
    assert [name for name, _ in ack.blobs] == [blob]
    return ack.blobs[0][1]


def grow_old(hub: Hub, days: float) -> None:
    with hub.store.write() as unit:
        unit.conn.execute("UPDATE blob SET held_at = held_at - ?", (round(days * DAY_MS),))


def back_up(folder: Path) -> Any:
    code, made = waystation("backup", "create", "--dir", str(folder))
    assert code == 0, made
    return made


@pytest.mark.row("H35.15")
def test_a_blob_is_safe_when_two_backups_have_it_for_fourteen_days(site: Site, tmp_path: Path) -> None:
    folder = site()
    with running(folder) as hub:
        desk = desk_of(hub, folder)
        first = bring(desk, BLOB_CHUNK_BYTES + 7, 1)
        grow_old(hub, KEEP_ACKED_DAYS + 1)
        assert back_up(folder)["blobs"] == 1
        hub.backups.look()
        assert not safe(desk, first), "one backup is not two"
        second = bring(desk, 9, 2)
        assert back_up(folder)["blobs"] == 2
        hub.backups.look()
        assert safe(desk, first)
        assert not safe(desk, second), "the second-newest lacks it"
        back_up(folder)
        hub.backups.look()
        assert not safe(desk, second), "held for a moment only"
        grow_old(hub, KEEP_ACKED_DAYS + 1)
        assert safe(desk, second)


@pytest.mark.row("H35.15")
@pytest.mark.parametrize("number", [1, 2])
def test_a_lost_hub_gets_its_blobs_back_and_forgets_what_is_nowhere(
    site: Callable[..., Path], tmp_path: Path, number: int
) -> None:
    folder, place, suite = site(number), tmp_path / "place", suite_of(number)
    with running(folder) as hub:
        desk = desk_of(hub, folder)
        kept, lost = bring(desk, 2 * BLOB_CHUNK_BYTES, 3, suite), bring(desk, 10, 4, suite)
        back_up(folder)
    assert waystation("backup", "drill", "--dir", str(folder))[1]["restorable"]
    shutil.rmtree(folder / "data" / "blobs")
    shutil.rmtree(place / "blobs" / "held" / lost.hex()[:2])
    code, back = waystation("backup", "restore", "--dir", str(folder))
    assert (code, back["blobs_lost"]) == (0, 1), back
    assert blobs_of(folder).size(kept) == 2 * BLOB_CHUNK_BYTES and blobs_of(folder).size(lost) is None
    with running(folder) as hub:
        desk = desk_of(hub, folder)
        assert not any(desk.want(SENDER, kept, 2 * BLOB_CHUNK_BYTES)), "nothing of it travels again"
        assert desk.want(SENDER, lost, 10) == b"\x80", "whoever still holds it is asked for all of it"


def test_a_list_that_the_hub_did_not_write_makes_nothing_safe(site: Site, tmp_path: Path) -> None:
    folder = site()
    with running(folder) as hub:
        blob = bring(desk_of(hub, folder), 10, 5)
        back_up(folder)
    place = Place(tmp_path / "place", load_key(folder / "keys" / "store.key"))
    (made,) = place.backups()
    path = place.folder / f"{made.name}.blobs"
    whole = path.read_bytes()
    assert read_list(place, made) == {blob}
    for wrong in (b"", whole[:-1], whole + b" ", whole.replace(b"[", b"[ "), b"\n[]", whole[:64] + b"\n[]"):
        path.write_bytes(wrong)
        assert read_list(place, made) == frozenset()
    path.unlink()
    assert read_list(place, made) == frozenset()


def test_a_blob_whose_bytes_are_gone_here_is_in_no_list(site: Site, tmp_path: Path) -> None:
    folder = site()
    with running(folder) as hub:
        desk = desk_of(hub, folder)
        gone, kept = bring(desk, 10, 6), bring(desk, 11, 7)
        shutil.rmtree(folder / "data" / "blobs" / "held" / gone.hex()[:2])
        assert back_up(folder)["blobs"] == 1
    place = Place(tmp_path / "place", load_key(folder / "keys" / "store.key"))
    assert read_list(place, place.backups()[0]) == {kept}
