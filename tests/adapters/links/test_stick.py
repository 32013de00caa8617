"""A box that is never on a line: facts go up on a stick, its scopes come down on it, whatever happens to the files."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.link.letters import Letters
from appliance.link.stick_post import StickPost, TakenIn
from appliance.link.trust_book import BoxKeys, TrustBook
from hub.link.publisher import Publisher
from hub.link.stick_desk import StickDesk
from hub.link.voice import HubKeys, Voice
from sync.adapters.sqlite_log import down, hub_snapshots
from sync.adapters.sqlite_log.hub_snapshots import Worth
from sync.adapters.stick_link import read_stick, write_stick
from sync.kernel.outcome import PeerFault
from sync.protocol import stick
from tests.adapters.links.conftest import HUB, Box, Machine, World
from tests.adapters.links.test_feeds import collected, due, opened

STAYS, WARD = "site:stays", "ward:W12"


class Walked:
    """A machine without any line, and the way to the hub and back."""

    def __init__(self, world: World, machine: Machine | None = None) -> None:
        self.world = world
        self.machine = machine or world.machine(scopes=[STAYS, WARD])
        self.store = self.machine.store
        book = TrustBook(
            BoxKeys(self.machine.node, self.machine.signing, world.hub.suite), world.bundle.raw, lambda raw: None
        )
        self.post = StickPost(self.store, Letters(self.store, book, "test"), book, self.machine.sealing)
        publisher = Publisher(world.hub, world.voice, Worth(members=10**6, entries=10**6))
        self.desk = StickDesk(
            world.hub, world.door, world.desk, world.feeds, world.voice,
            trust=lambda: world.bundle.raw, publish=publisher.publish,
        )  # fmt: skip
        self.box = Box(self.machine, None, {})  # type: ignore[arg-type]
        self.dir = self.machine.folder / "stick"

    def up(self) -> Path:
        return write_stick(self.dir, self.machine.node, self.post.pack().messages)

    def at_hub(self, path: Path) -> Path:
        answer = self.desk.take(path.read_bytes())
        self.world.wait_digested()
        return write_stick(self.dir / "back", HUB, stick.unpack(answer))

    def down(self, path: Path) -> TakenIn:
        return self.post.take(read_stick(path))

    def walk(self) -> TakenIn:
        return self.down(self.at_hub(self.up()))

    def same(self) -> bool:
        return all(self.box.copy(label) == self.world.placed(label) for label in (STAYS, WARD))


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_snapshots, "SEGMENT_ENTRIES", 20)


@pytest.fixture
def walked(world: World) -> Walked:
    opened(world, 70)
    due(world, 1001)
    world.wait_digested()
    made = Walked(world)
    collected(made.store, "1002-1")
    return made


@pytest.mark.row("F10.14")
def test_a_box_that_was_never_on_line_gets_its_ward_and_gives_its_facts(walked: Walked) -> None:
    first = walked.walk()
    assert walked.box.drained() and first.acknowledged >= 2 and not first.refused
    assert first.rounds is not None and first.rounds.begun == [STAYS, WARD] and not first.rounds.left
    assert len(walked.box.copy(STAYS)) == 70 and len(walked.box.copy(WARD)) == 1
    # What it wrote itself is in the copy once; the next walk brings the hub's word on it, and what is new since.
    opened(walked.world, 25, start=5000)
    due(walked.world, 5000)
    walked.world.wait_digested()
    second = walked.walk()
    assert second.rounds is not None and second.rounds.entries >= 26 and not second.refused
    assert walked.same() and len(walked.box.copy(STAYS)) == 95
    assert len(walked.store.state(10, "1002-1").collections) == 1
    third = walked.walk()
    assert third.rounds is not None and third.rounds.entries == 0 and not third.refused and walked.same()


def test_a_box_with_nothing_to_send_is_packed_all_the_same(walked: Walked) -> None:
    """Stopped, as for a stick: no process runs, and the hub has signed for everything."""
    assert walked.walk().acknowledged
    walked.store.incarnation = 0
    assert walked.post.pack().facts == 0
    opened(walked.world, 3, start=7000)
    walked.world.wait_digested()
    told = walked.walk()
    assert told.rounds is not None and told.rounds.entries >= 3 and walked.same()


@pytest.mark.row("F10.14")
def test_files_twice_late_and_crossed_do_no_harm(walked: Walked) -> None:
    up = walked.up()
    early = walked.at_hub(up)
    opened(walked.world, 5, start=6000)
    walked.world.wait_digested()
    late = walked.at_hub(up)
    held = walked.world.facts_held(walked.machine.node)
    walked.down(late)
    assert walked.same()
    again = walked.down(late)
    assert again.rounds is not None and again.rounds.entries == 0 and not again.refused and walked.same()
    walked.down(early)
    assert walked.same(), "an older file after a newer one takes nothing back"
    other = Walked(walked.world)
    assert other.down(late).refused["message.audience"] >= 2 and not other.box.copy(STAYS)
    theirs = other.at_hub(other.up())
    assert walked.down(theirs).refused["message.audience"] >= 2 and walked.same()
    other.down(theirs)
    assert other.same()
    walked.at_hub(up)
    assert walked.world.facts_held(walked.machine.node) == held, "the same facts, once"


def test_a_file_that_is_cut_or_turned_is_no_file(walked: Walked) -> None:
    back = walked.at_hub(walked.up())
    whole, draw = back.read_bytes(), random.Random(1)
    cuts = [whole[:at] for at in (0, 1, 15, 16, 20, *draw.sample(range(len(whole)), 40), len(whole) - 1)]
    for raw in cuts + [turned(whole, at) for at in draw.sample(range(len(whole)), 40)]:
        back.write_bytes(raw)
        with pytest.raises(PeerFault, match="stick"):
            walked.down(back)
    assert down.cursors(walked.store) == [] and walked.box.ledger()[1] == 0
    back.write_bytes(whole)
    walked.down(back)
    assert walked.same() or walked.box.copy(WARD) == walked.world.placed(WARD)


def turned(whole: bytes, at: int) -> bytes:
    return whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]


def half_a_parcel(messages: list[bytes]) -> list[bytes]:
    return messages[:-1]


def another_site(messages: list[bytes]) -> list[bytes]:
    return [turned(raw, 60) for raw in messages]


def none(messages: list[bytes]) -> list[bytes]:
    return []


@pytest.mark.parametrize("spoil", [half_a_parcel, another_site, none])
def test_what_is_not_whole_or_not_the_hubs_changes_nothing(
    walked: Walked, spoil: Callable[[list[bytes]], list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.protocol.parcel.PIECE_BYTES", 2000)
    messages = read_stick(walked.at_hub(walked.up()))
    done = walked.post.take(spoil(messages))
    assert done.rounds is None and not walked.box.copy(STAYS)
    assert walked.post.take(messages).rounds is not None and walked.box.copy(STAYS)


def test_a_file_of_another_hub_is_refused(walked: Walked) -> None:
    world = walked.world
    honest, strange = (
        world.voice,
        Voice(world.hub, HubKeys(bytes(range(32)), bytes(32), world.hub.suite), world.voice.trust),
    )
    walked.desk._voice = strange
    done = walked.walk()
    assert done.refused["message.key"] >= 1 and done.rounds is None and not walked.box.copy(STAYS)
    walked.desk._voice = honest
    assert walked.walk().rounds is not None


def test_after_a_higher_epoch_a_copy_is_mended_by_the_next_walks(walked: Walked) -> None:
    walked.walk()
    walked.world.raise_epoch()
    opened(walked.world, 4, start=7000)
    walked.world.wait_digested()
    learned = walked.walk()
    assert learned.rounds is not None and learned.rounds.left == [STAYS, WARD], "it did not know yet what to ask"
    mended = walked.walk()
    assert mended.rounds is not None and set(mended.rounds.repaired) == {STAYS, WARD} and walked.same()


def test_somebody_elses_question_gets_no_answer(walked: Walked) -> None:
    """A machine that was shut out, and one that signs with a key of nobody, hear nothing of copies."""
    path = walked.up()
    walked.world.set_state(walked.machine.node, "revoked")
    refused = walked.down(walked.at_hub(path))
    assert refused.rounds is None and not walked.box.copy(STAYS)
