"""A trial belongs to who asked for it, ends once, and is forgotten."""

import threading
from collections.abc import Callable

import pytest

from appliance.features.devices.trial_screens import failed, trial_row
from appliance.features.devices.trials import Hand, Trial, Trials
from hardware.ports import DeviceState, DeviceView
from kiosk_ui.kit.screens import devices
from kiosk_ui.kit.screens.words import say
from sync.kernel.outcome import Refused, Unavailable

PATIENCE_S = 30.0


class Room:
    def __init__(self, state: DeviceState = "ready", **times: float) -> None:
        self.changed = threading.Condition()
        self.hands: list[Hand] = []
        view = DeviceView("scanner", "desk", state, "", 0.0)
        self.trials = Trials(lambda: 0.0, self.heard, lambda: [view], **times)
        self.trials.offer("desk", "page", self.hands.append)

    def heard(self, name: str) -> None:
        with self.changed:
            self.changed.notify_all()

    def wait(self, true: Callable[[], bool]) -> bool:
        with self.changed:
            return self.changed.wait_for(true, PATIENCE_S)

    def now(self) -> Trial:
        trial = self.trials.of("desk")
        assert trial is not None
        return trial


@pytest.mark.row("E01.3")
def test_one_at_a_time_and_its_picture_for_its_person_alone() -> None:
    room = Room()
    assert not isinstance(room.trials.begin("desk", "u-one"), Refused)
    assert room.trials.begin("desk", "u-two") == Refused("trial.busy")
    room.hands[0].percent(40)
    for who, mine in (("u-one", True), ("u-two", False)):
        row = trial_row(room.trials.of("desk"), "scanner", who)
        assert row is not None and (row.running, row.mine, row.percent) == (True, mine, 40)
    room.hands[0].show(b"\x89PNG", "image/png")
    room.hands[0].end("done")
    room.hands[0].end("failed", "jam")
    assert room.now().state == "done", "it ends once"
    row = trial_row(room.trials.of("desk"), "scanner", "u-one")
    assert row is not None and row.picture
    assert trial_row(room.trials.of("desk"), "scanner", "u-two") is None
    assert "PNG" not in repr(room.now())
    assert room.trials.stop("desk") is None and room.trials.of("desk") is None
    assert room.trials.stop("desk") == Refused("trial.over")


@pytest.mark.row("E01.3")
def test_what_nobody_ends_ends_by_itself_and_is_let_go() -> None:
    room = Room(lasts_s=0.05, keep_s=0.05)
    room.trials.begin("desk", "u-one")
    hand = room.hands[0]
    hand.on_stop(lambda: hand.end("stopped"))
    if hand.stopped():  # its time was over before somebody listened
        hand.end("stopped")
    assert room.wait(lambda: room.trials.of("desk") is None)


def test_a_late_one_had_no_answer_and_a_stopped_one_was_stopped() -> None:
    room = Room()
    for late, ended in ((True, ("failed", "no-answer")), (False, ("stopped", ""))):
        room.trials.begin("desk", "u-one")
        called: list[bool] = []
        room.hands[-1].on_stop(lambda called=called: called.append(True))
        room.hands[-1].stop(late=late)
        room.hands[-1].end("failed", "gone")
        assert (room.now().state, room.now().reason) == ended and called == [True]
        room.trials.stop("desk")


def test_a_page_that_came_before_the_stop_counts() -> None:
    room = Room()
    room.trials.begin("desk", "u-one")
    room.trials.stop("desk")
    room.hands[0].end("done")
    assert room.now().state == "done"


@pytest.mark.parametrize("state", ["lost", "disabled", "opening", "absent"])
def test_what_is_away_is_not_tried(state: DeviceState) -> None:
    room = Room(state)
    assert room.trials.begin("desk", "u-one") == Refused("trial.away")
    assert room.trials.begin("kettle", "u-one") == Refused("trial.none")


@pytest.mark.parametrize(("code", "refused"), [("device.busy", "trial.busy"), ("device.gone", "trial.away")])
def test_a_device_that_cannot_begin_leaves_no_trial(code: str, refused: str) -> None:
    room = Room()

    def begin(hand: Hand) -> None:
        raise Unavailable(code)

    room.trials.offer("desk", "page", begin)
    assert room.trials.begin("desk", "u-one") == Refused(refused)
    assert room.trials.of("desk") is None


def test_every_reason_has_its_words() -> None:
    for reason in (*devices._REASONS, "answer", "deadline", "no-answer", "of-a-later-release"):
        assert "%" not in say(failed(reason), str, lambda one, many, n: one)
