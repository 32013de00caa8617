"""A box whose database had to be replaced: who was known signs in before the hub is reached, and nobody else does."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.boot import Box
from appliance.features.people import store as people
from provisioning.bench import box as made
from sync.adapters.sqlite_log import down
from sync.catalog import ENTITY_TYPES
from sync.domain.people.facts import PERSON
from sync.kernel.canonical import encode
from sync.kernel.outcome import Refused
from sync.protocol.feed import Checkpoint, StateEntry

KEPT = Path("data") / "people.kept"


@contextmanager
def opened(folder: Path) -> Any:
    box = Box(folder, {})
    try:
        yield box
    finally:
        box.events.close()
        box.store.close()


def signs_in(box: Box, pin: str = made.PIN) -> bool:
    return not isinstance(box.people.sign_in(made.BADGE, pin), Refused)


@pytest.fixture
def mended(tmp_path: Path) -> Path:
    """A box that ran once with its people, and whose database is gone since."""
    made.make_box(tmp_path, records=3)
    with opened(tmp_path) as box:
        assert signs_in(box)
    for name in ("node.db-wal", "node.db-shm"):
        (tmp_path / "data" / name).unlink(missing_ok=True)
    (tmp_path / "data" / "node.db").write_bytes(b"")
    return tmp_path


def listed(box: Box) -> list[str]:
    with box.store.read() as conn:
        return [row[0] for row in people.rows(conn)]


def told_again(box: Box) -> None:
    """The hub's answer to a comparison of the list of people: this one person, nothing of whom has changed."""
    state = box.store.state(PERSON, made.COURIER)
    etype = ENTITY_TYPES[PERSON]
    point = Checkpoint(encode(etype.dump(state)), 1, bytes(8), (), bytes(16), bytes(16), etype.fold_version)
    down.apply_repair(
        box.store, "site:people", epoch=1, sseq=1, e=bytes(32), buckets=frozenset(range(256)),
        members=[(PERSON, made.COURIER, bytes(16))], checkpoints=[StateEntry(PERSON, made.COURIER, point)], hub_ms=1,
    )  # fmt: skip


def test_who_was_known_signs_in_at_a_mended_box(mended: Path) -> None:
    with opened(mended) as box:
        assert box.store.state(PERSON, made.COURIER) is None, "the hub has not been reached"
        assert signs_in(box) and not signs_in(box, "0000")
    with opened(mended) as box:
        assert signs_in(box), "also after the next start"


def test_the_hubs_word_replaces_the_kept_list(mended: Path) -> None:
    gone = ("u-gone", "某人", "courier", None, bytes(32), None, "zh", 1)
    with opened(mended) as box:
        with box.store.write() as unit:
            people.put(unit.conn, [gone])
        assert set(listed(box)) == {made.COURIER, "u-gone"}
        down.set_scopes(box.store, 1, ["site:people"])
        assert set(listed(box)) == {made.COURIER, "u-gone"}, "named, not arrived"
        made.fill(box.store, 0, made.ROLES["courier"])
        told_again(box)
        assert listed(box) == [made.COURIER] and signs_in(box)
        assert box.store.meta_int("people_kept") == 0
    (mended / "data" / "node.db").write_bytes(b"")
    with opened(mended) as box:
        assert listed(box) == [made.COURIER], "the file follows the hub's list"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: b"",
        lambda raw: raw[:64],
        lambda raw: raw[:-1],
        lambda raw: raw + b"\0",
        lambda raw: bytes([raw[0] ^ 1]) + raw[1:],
        lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
        lambda raw: bytes(len(raw)),
        lambda raw: raw[64:] + raw[:64],
    ],
)
def test_a_list_that_this_box_did_not_write_lets_nobody_in(mended: Path, spoil: Callable[[bytes], bytes]) -> None:
    (mended / KEPT).write_bytes(spoil((mended / KEPT).read_bytes()))
    with opened(mended) as box:
        assert listed(box) == [] and not signs_in(box)


def test_a_list_of_another_box_lets_nobody_in(mended: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    made.make_box(other, records=1)
    with opened(other) as box:
        assert signs_in(box)
    shutil.copy(other / KEPT, mended / KEPT)
    with opened(mended) as box:
        assert listed(box) == [] and not signs_in(box)


def test_the_kept_list_says_nothing_in_clear(mended: Path) -> None:
    raw = (mended / KEPT).read_bytes()
    assert b"u-luo" not in raw and b"argon2" not in raw
    assert (mended / KEPT).stat().st_mode & 0o077 == 0
