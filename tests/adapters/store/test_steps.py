"""A process that dies just before or just after a commit: what a store told is what the next process finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.adapters.blob_store.folder import FolderStore
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.connection import OperationalError
from sync.adapters.sqlite_log.kept_blobs import KeptBlobs
from sync.domain.tracking import facts
from sync.kernel.outcome import Unavailable
from sync.kernel.suite import suite1

NODE = "courier-aaaaaaaa"
STAY = "00731846-2"


class Killed(BaseException):
    pass


class Place:
    """Raises `fault` when the store comes by the place it waits at."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.waits_at = ""
        self.fault: BaseException = Killed()

    def __call__(self, place: str) -> None:
        self.passed.append(place)
        if place == self.waits_at:
            raise self.fault


def opened(path: Path, place: Place, seed: int) -> ApplianceStore:
    store = ApplianceStore(
        path / "node.db",
        bytes(32),
        node=NODE,
        role="courier",
        clock=SystemClock(),
        entropy=SeededEntropy(seed),
        point=place,
    )
    store.start_incarnation("test")
    return store


def scan(store: ApplianceStore) -> None:
    with store.write(actor="u-luo") as unit:
        unit.append(
            facts.collected(
                STAY, round_key=f"{NODE}.00000001", ward="W01", verdict="good", how="gun", read_no="00731846",
                at_ms=1, list_as_of_ms=0,
            )
        )  # fmt: skip


@pytest.mark.parametrize(("waits_at", "kept"), [("act:before", False), ("act:after", True)])
def test_a_step_is_durable_after_its_commit_and_not_before(tmp_path: Path, waits_at: str, kept: bool) -> None:
    place = Place()
    store = opened(tmp_path, place, 1)
    assert place.passed == ["start:before", "start:after"]
    place.waits_at = waits_at
    with pytest.raises(Killed):
        scan(store)
    store.close()
    again = opened(tmp_path, Place(), 2)
    assert (again.state(facts.STAY, STAY) is not None) is kept
    again.close()


@pytest.mark.parametrize(
    ("said", "code"), [("database or disk is full", r"store\.full"), ("disk I/O error", r"store\.write")]
)
def test_a_commit_the_disk_refuses_is_said_and_leaves_nothing(tmp_path: Path, said: str, code: str) -> None:
    place = Place()
    store = opened(tmp_path, place, 1)
    place.waits_at, place.fault = "act:before", OperationalError(said)
    with pytest.raises(Unavailable, match=code):
        scan(store)
    assert store.state(facts.STAY, STAY) is None
    place.waits_at = ""
    scan(store)
    assert store.state(facts.STAY, STAY) is not None
    store.close()


def test_a_disk_that_takes_nothing_lets_a_box_start_with_pictures_that_wait(tmp_path: Path) -> None:
    place = Place()
    store = opened(tmp_path, place, 1)
    kept = KeptBlobs(store, FolderStore(tmp_path / "blobs", suite1.hash), suite1.hash)
    blob = kept.stage(b"sealed bytes")
    with store.write() as unit:
        kept.describe(unit, blob, "image/jpeg", (facts.STAY, STAY), page=1)
    kept.accepted(blob)
    assert kept.next() is None
    place.waits_at, place.fault = "blob.start:before", OperationalError("disk I/O error")
    kept.start()
    assert "blob.start:before" in place.passed and kept.next() is None
    place.waits_at = ""
    kept.ask_again()
    waiting = kept.next()
    assert waiting is not None and waiting.blob == blob
    store.close()
