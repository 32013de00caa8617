"""A card reader over a pseudo terminal: cards come and go, the cable and the module misbehave."""

import itertools
import os
import select
import threading
import time
import tty
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hardware.codecs.identity import sam_v
from hardware.codecs.identity.chip import Chip, invented
from hardware.drivers.identity_reader import CardReader, Pace
from hardware.drivers.reading_desk import OPEN, Reading, ReadingDesk
from hardware.drivers.supervisor import Keeper, Supervisor
from hardware.ports import DeviceView
from hardware.transports.serial_url import SerialStream
from hardware.twins.card_reader import CardReaderTwin
from sync.kernel.outcome import Refused, Unavailable

PATIENCE_S = 30.0
CALM = Pace(poll_s=0.01, answer_s=PATIENCE_S, read_s=PATIENCE_S, step_s=PATIENCE_S, idle_s=0.2, idle_look_s=0.02)
QUICK = replace(CALM, answer_s=0.5, read_s=0.5, step_s=1.5)
"""For what never comes. A busy machine may be late, too: whoever uses it insists."""
ANN = Chip(invented("", "欧阳静姝", serial=1), b"\x01" * 1024)
BEA = Chip(invented("", "贺兰\ue863", serial=3), b"\x02" * 1024, "某市另一区另一街二号")


class Room:
    """A twin, its driver under a keeper, and what both said."""

    def __init__(self, path: Path, pace: Pace = CALM) -> None:
        self.twin = CardReaderTwin(path)
        self.states: list[str] = []
        self.told: list[Reading] = []
        self.changed = threading.Condition()
        self.desk = ReadingDesk("reader", time.monotonic, self._tell)
        self.reader = CardReader(lambda: SerialStream(str(path), 115200), self.desk, pace=pace)
        device = Supervisor(time.monotonic, self._see).add("identity-reader", "reader")
        self.keeper = Keeper(device, self.reader, lambda: 0.05)
        self._numbers = itertools.count()

    def _see(self, view: DeviceView) -> None:
        with self.changed:
            self.states.append(f"{view.state} {view.reason}".strip())
            self.changed.notify_all()

    def _tell(self, reading: Reading) -> None:
        with self.changed:
            self.told.append(reading)
            self.changed.notify_all()

    def wait(self, holds: Callable[[], bool]) -> bool:
        with self.changed:
            return self.changed.wait_for(holds, PATIENCE_S)

    def ask(self, wait_s: float = PATIENCE_S) -> str:
        name = f"r{next(self._numbers)}"
        assert isinstance(self.desk.ask(name, "u-wen", wait_s), Reading)
        return name

    def end(self, name: str) -> Reading:
        found = self.desk.look(name, PATIENCE_S)
        assert found is not None and found.state not in OPEN, found
        return found

    def insist(self, name: str, chip: Chip) -> Reading:
        """Put the card on again whenever a try came to nothing, as a person does."""
        seen = 0
        while True:
            with self.changed:
                assert self.changed.wait_for(lambda before=seen: self._tries() > before or self._over(), PATIENCE_S)
                seen = self._tries()
            if self._over():
                return self.end(name)
            self.twin.take()
            self.twin.put(chip)

    def _tries(self) -> int:
        return sum(told.state == "waiting" and told.code != "" for told in self.told)

    def _over(self) -> bool:
        return bool(self.told) and self.told[-1].state not in OPEN

    def read(self, chip: Chip) -> Reading:
        """Ask, lay the card down, wait, take it away."""
        name = self.ask()
        self.twin.put(chip)
        ended = self.end(name)
        self.twin.take()
        return ended


@pytest.fixture
def room(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Room]:
    made = Room(tmp_path / "reader", getattr(request, "param", CALM))
    made.twin.start()
    made.keeper.start()
    assert made.wait(lambda: "ready" in made.states)
    yield made
    made.keeper.close()
    made.twin.close()


def names(reading: Reading) -> tuple[str, str, bytes]:
    assert reading.state == "done" and reading.document is not None, reading
    return reading.document.name, reading.document.latest_address, reading.photo[:1]


@pytest.mark.row("I08.5")
def test_one_card_after_the_other(room: Room) -> None:
    assert names(room.read(ANN)) == ("欧阳静姝", "", b"\x01")
    assert names(room.read(BEA)) == ("贺兰\ue863", "某市另一区另一街二号", b"\x02")
    assert [told.state for told in room.told] == ["waiting", "card", "done"] * 2
    assert b"\x30\x10" not in room.twin.asked  # fingerprints


@pytest.mark.row("I08.1", "I08.5")
@pytest.mark.parametrize("mark", ["", "J", "I", "Y"])
def test_every_layout_goes_all_the_way(room: Room, mark: str) -> None:
    read = room.read(Chip(invented(mark, "张某")))
    assert read.document is not None and (read.document.name, read.document.source) == ("张某", "chip")


@pytest.mark.row("I08.2", "I08.5")
def test_an_unknown_card_ends_the_reading(room: Room) -> None:
    text = bytearray(invented("", "张某"))
    text[248:250] = "Q".encode("utf-16-le")
    read = room.read(Chip(bytes(text)))
    assert (read.state, read.code, read.document) == ("refused", "identity.unknown-document", None)


def test_a_chip_of_nonsense_is_refused_and_the_next_is_read(room: Room) -> None:
    read = room.read(Chip(b"\x00\xd8" * 124 + b" \0" * 4))
    assert (read.state, read.code) == ("refused", "card-text.characters")
    assert names(room.read(ANN))[0] == "欧阳静姝"


@pytest.mark.row("I08.5")
def test_nothing_is_read_that_nobody_asked_for(room: Room) -> None:
    room.twin.put(ANN)
    before = room.twin.asked.count(sam_v.MODULE.body)
    assert room.twin.wait_asked(before + 2, sam_v.MODULE.body)
    assert set(room.twin.asked) == {sam_v.MODULE.body}
    assert room.told == []


@pytest.mark.row("I08.5")
def test_a_card_left_lying_is_not_read_twice(room: Room) -> None:
    name = room.ask()
    room.twin.put(ANN)
    assert names(room.end(name))[0] == "欧阳静姝"
    finds, reads = room.twin.asked.count(sam_v.FIND.body), room.twin.asked.count(sam_v.READ.body)
    second = room.ask()
    assert room.twin.wait_asked(finds + 3, sam_v.FIND.body)
    room.desk.cancel(second)
    assert room.end(second).state == "cancelled"
    assert room.twin.asked.count(sam_v.READ.body) == reads


@pytest.mark.row("I08.5")
@pytest.mark.parametrize("before", ["select", "read", "address"])
def test_a_card_taken_in_the_middle_is_not_read_and_the_next_is_whole(room: Room, before: str) -> None:
    room.twin.take_before(before)
    name = room.ask()
    room.twin.put(ANN)
    assert room.wait(lambda: any(told.state == "waiting" and told.code for told in room.told))
    room.twin.put(BEA)
    assert names(room.end(name)) == ("贺兰\ue863", "某市另一区另一街二号", b"\x02")


@pytest.mark.row("I08.3", "I08.5")
@pytest.mark.parametrize("fault", ["wrong-xor", "wrong-length", "silence", "half", "garbage"])
@pytest.mark.parametrize("command", ["find", "select", "read", "address"])
@pytest.mark.parametrize("room", [QUICK], indirect=True)
def test_a_spoilt_answer_is_not_taken_and_the_person_still_is(room: Room, command: str, fault: str) -> None:
    room.twin.misbehave(command, fault)  # type: ignore[arg-type]
    name = room.ask()
    room.twin.put(BEA)
    assert names(room.insist(name, BEA)) == ("贺兰\ue863", "某市另一区另一街二号", b"\x02")


@pytest.mark.row("I08.5")
@pytest.mark.parametrize("room", [QUICK], indirect=True)
def test_a_late_answer_of_the_person_before_is_nobodys(room: Room) -> None:
    """Ann's text comes after its time, while Bea's card already lies there."""
    room.twin.misbehave("read", "slow", wait_s=QUICK.read_s * 1.6)
    name = room.ask()
    room.twin.put(ANN)
    assert room.twin.wait_asked(1, sam_v.READ.body)
    room.twin.put(BEA)
    assert names(room.insist(name, BEA)) == ("贺兰\ue863", "某市另一区另一街二号", b"\x02")


@pytest.mark.row("I08.5")
def test_an_answer_of_another_shape_is_nobodys(room: Room) -> None:
    """A module that answers a find with the text of the person before is not listened to."""
    room.read(ANN)
    room.twin.misbehave("find", "previous")
    assert names(room.read(BEA))[0] == "贺兰\ue863"


@pytest.mark.row("I08.5")
def test_a_reading_ends_by_its_deadline_or_by_a_word(room: Room) -> None:
    assert room.end(room.ask(wait_s=0.05)).state == "expired"
    name = room.ask()
    assert room.desk.ask("other", "u-wen", 1.0) == Refused("identity.busy")
    assert room.desk.cancel(name) and room.end(name).state == "cancelled"
    assert room.desk.cancel(name) and room.desk.look(name) is None
    assert not room.desk.cancel(name)


@pytest.mark.row("I08.5")
def test_pulled_out_and_put_back_in_mid_reading(room: Room) -> None:
    name = room.ask()
    room.twin.unplug()
    assert room.wait(lambda: any(state.startswith("lost") for state in room.states))
    room.twin.plug()
    room.twin.put(ANN)
    assert names(room.end(name))[0] == "欧阳静姝"


def test_a_silent_module_is_never_ready(tmp_path: Path) -> None:
    room = Room(tmp_path / "reader")
    room.reader._pace = Pace(step_s=0.05)
    room.twin.misbehave("module", *["silence"] * 1000)  # type: ignore[arg-type]
    room.twin.start()
    room.keeper.start()
    assert room.wait(lambda: "absent device.silent" in room.states)
    assert "ready" not in room.states
    room.keeper.close()
    room.twin.close()


def test_what_was_read_is_forgotten() -> None:
    now = [0.0]
    desk = ReadingDesk("reader", lambda: now[0], lambda reading: None)
    desk.ask("r1", "u-wen", 10.0)
    desk.refuse("r1", "identity.sex")
    now[0] = 59.0
    assert desk.look("r1") is not None
    now[0] = 61.0
    assert desk.look("r1") is None


def test_a_port_closed_while_it_is_written_to_ends_in_words(tmp_path: Path) -> None:
    """A device that takes nothing: the write waits until somebody closes, and says so."""
    ours, theirs = os.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    ended: list[str] = []
    for _ in range(20):
        stream = SerialStream(os.ttyname(theirs))
        writing = threading.Event()

        def write(stream: SerialStream = stream, writing: threading.Event = writing) -> None:
            try:
                while True:
                    writing.set()
                    stream.write(b"x" * 4096)
            except Unavailable as fault:
                ended.append(fault.code)

        thread = threading.Thread(target=write)
        thread.start()
        assert writing.wait(PATIENCE_S)
        stream.close()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
        while select.select([ours], [], [], 0)[0]:
            os.read(ours, 65536)
    os.close(ours)
    os.close(theirs)
    assert len(ended) == 20 and set(ended) <= {"device.closed", "device.gone"}
