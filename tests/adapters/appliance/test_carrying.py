"""Carries of a box without a hub beside it: refused, stopped, one at a time, and what a bad stick does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.features.carrying.screens import carry_data, outcome_words
from appliance.features.carrying.service import Carrying
from appliance.link.stick_post import Packed, TakenIn
from provisioning.bench import box as made
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SystemEntropy
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.stick_link import write_stick
from sync.kernel.outcome import Refused, Unavailable


class Post:
    """Stands in for what packs: as many steps as told, each after `gate`."""

    def __init__(self, steps: int) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.steps = steps

    def pack(self, number: int | None, told: Callable[[int, int], None]) -> Packed:
        for n in range(self.steps):
            assert self.gate.wait(30)
            told(n, self.steps)
        return Packed([b"x" * 10], facts=self.steps)

    def take(self, messages: Any, told: Callable[[int, int], None]) -> TakenIn:
        for n in range(len(messages)):
            told(n, len(messages))
        return TakenIn(acknowledged=len(messages))


class Bench:
    def __init__(self, folder: Path) -> None:
        self.store = ApplianceStore(
            folder / "node.db", bytes(32), node="courier-aaaaaaaa", role="courier", clock=SystemClock(),
            entropy=SystemEntropy(),
        )  # fmt: skip
        self.store.start_incarnation("test")
        self.stick = folder / "stick"
        self.stick.mkdir()
        self.post = Post(3)
        self.carrying = Carrying(self.store, (str(self.stick),), self.open, lambda: None)

    @contextmanager
    def open(self, what: str) -> Iterator[tuple[Any, int | None]]:
        yield self.post, 7

    @property
    def place(self) -> str:
        return self.carrying.places()[0].id

    def over(self) -> dict[str, Any]:
        end = time.monotonic() + 30
        while (carry := self.carrying.now) is None or carry.state == "running":
            assert time.monotonic() < end
            time.sleep(0.005)
        told = carry_data(carry)
        assert told is not None
        return told


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.carrying.close()
    bench.store.close()


def test_out_writes_one_whole_file_and_one_audit_line(bench: Bench) -> None:
    assert bench.carrying.carry_out(bench.place, made.COURIER) is None
    told = bench.over()
    assert (told["state"], told["facts"], told["file"]) == ("done", 3, "way-courier-aaaaaaaa-1.way")
    assert [path.name for path in bench.stick.iterdir()] == ["way-courier-aaaaaaaa-1.way"]
    assert bench.carrying.places()[0].files == (), "its own file is no answer"


def test_one_at_a_time_and_stopped_without_a_file(bench: Bench) -> None:
    bench.post.gate.clear()
    assert bench.carrying.carry_out(bench.place, made.COURIER) is None
    assert bench.carrying.carry_out(bench.place, made.COURIER) == Refused("stick.busy")
    bench.carrying.stop()
    bench.post.gate.set()
    assert bench.over()["state"] == "stopped" and list(bench.stick.iterdir()) == []
    assert [one.id for one in outcome_words(bench.carrying.now)] == ["停下了，没有写文件"]  # type: ignore[arg-type]
    assert bench.carrying.carry_out(bench.place, made.COURIER) is None and bench.over()["state"] == "done"


def test_answers_are_taken_newest_first_and_a_bad_one_holds_nothing_up(bench: Bench) -> None:
    assert bench.carrying.bring_in(bench.place, made.COURIER) == Refused("stick.no-answer")
    write_stick(bench.stick, "hub-aaaaaaaa", [b"a" * 300, b"b" * 300])
    (bench.stick / "answer-bad.way").write_bytes(b"WAYSTICK" + bytes(100))
    (bench.stick / ".hidden.way").write_bytes(b"")
    assert bench.carrying.bring_in(bench.place, made.COURIER) is None
    told = bench.over()
    assert (told["state"], told["acknowledged"], told["refused"]) == ("done", 2, {"stick.version": 1})
    assert "有的文件坏了或者不完整，没有收" in [one.id for one in outcome_words(bench.carrying.now)]  # type: ignore[arg-type]


def test_a_stick_that_is_pulled_out_or_full_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    place = bench.place

    def full(*_: object) -> Path:
        raise Unavailable("stick.write", 5.0)

    monkeypatch.setattr("appliance.features.carrying.service.write_stick", full)
    assert bench.carrying.carry_out(place, made.COURIER) is None
    assert bench.over()["code"] == "stick.write"
    bench.stick.rmdir()
    assert bench.carrying.carry_out(place, made.COURIER) == Refused("stick.no-place")
    assert Carrying(bench.store, (), None, lambda: None).carry_out(place, "u") == Refused("stick.no-place")


def test_of_a_pattern_only_what_is_mounted_counts(bench: Bench, tmp_path: Path) -> None:
    carrying = Carrying(bench.store, (f"{tmp_path}/*", "/proc*"), None, lambda: None)
    assert [place.path for place in carrying.places()] == [Path("/proc")]
