"""What a session does when histories differ, ranges are refused or a disk fails."""

import pytest

from sync.kernel.ids import BULK, LIVE
from sync.protocol import events as do
from sync.protocol import hello, message, states
from sync.protocol.ack import Ack, StreamAck
from tests.unit.sync_protocol.sessions import GRANTED, ME, H, ack, greeted, of, said, talking, welcome


def test_a_late_ack_of_a_lower_epoch_is_counted() -> None:
    session = greeted(epoch=5)
    assert session.on(ack(StreamAck(ME, LIVE, 1, H), epoch=4), 0.4) == [do.Count("epoch.lower")]
    now = 0.5
    for turn in range(1, 4):
        effects = session.on(welcome(turn, epoch=4), now)
        assert of(effects, do.Alarm) == ([do.Alarm("epoch.lower")] if turn == 3 else [])
        assert session.state == states.SILENT
        assert not of(effects, do.ApplyAck)
        now = session.wakes_at_s
        session.on(do.Tick(), now)
        session.on(do.CarrierUp(session.carrier), now)


def test_another_history_stops_that_stream_and_no_other() -> None:
    session = talking(credit=GRANTED)
    effects = session.on(do.AckApplied(ME, LIVE, 0, "other-history"), 2.0)
    assert effects == []
    session.on(do.FactCommitted(ME, LIVE, 1), 2.0)
    effects = session.on(do.AckApplied(ME, LIVE, 0, "other-history"), 2.1)
    assert effects == [do.Alarm("ack.other-history", (ME, LIVE))]
    assert session.streams[ME, LIVE].state == states.STREAM_FROZEN
    assert session.on(do.FactCommitted(ME, LIVE, 2), 3.0) == []
    assert of(session.on(do.FactCommitted(ME, BULK, 500), 3.0), do.CutAndSend)


def test_a_disk_that_was_put_back_has_nothing_to_send_in_a_stream_that_goes_further_at_the_hub() -> None:
    session = talking(streams=(do.OwnStream(5, LIVE, 3, 3),))
    assert session.on(do.AckApplied(5, LIVE, 0, "rewound"), 2.0) == [do.Alarm("ack.rewound", (5, LIVE))]
    assert session.streams[5, LIVE].state == states.REWOUND


@pytest.mark.parametrize("trouble", ["rewound", "parted"])
def test_what_waits_in_a_stream_that_differs_at_the_hub_is_shown_to_it(trouble: str) -> None:
    """Only the hub can stop a stream with two histories so that a person is asked, and it has to meet both."""
    session = talking()
    session.on(do.FactCommitted(ME, LIVE, 1), 2.0)
    session.on(do.BatchCut(ME, LIVE, 1, 1, 300), 2.0)
    assert session.on(do.AckApplied(ME, LIVE, 0, trouble), 2.1) == [do.Alarm(f"ack.{trouble}", (ME, LIVE))]
    resent = of(session.on(do.Tick(), session.wakes_at_s), do.Resend)
    assert [(each.incarnation, each.lane, each.first) for each in resent] == [(ME, LIVE, 1)]


def test_a_hub_that_went_back_is_shown_its_own_receipts_once() -> None:
    session = talking(streams=(do.OwnStream(ME, LIVE, 5, 5),))
    assert session.on(do.AckApplied(ME, LIVE, 0, "behind"), 2.0) == [
        do.Alarm("ack.behind", (ME, LIVE)), do.SendHello("mqtt", 2, True),
    ]  # fmt: skip
    session.on(welcome(2, wanted=(hello.RECEIPTS,)), 2.1)
    assert session.on(do.AckApplied(ME, LIVE, 0, "behind"), 2.2) == [do.Alarm("ack.behind", (ME, LIVE))]


def test_receipts_are_shown_anew_after_the_next_hello() -> None:
    """They may have been lost, and a hub may go back a second time while the line stands."""
    session = talking()
    behind = do.AckApplied(ME, LIVE, 0, "behind")
    assert of(session.on(behind, 1.0), do.SendHello)[0].with_receipts
    session.on(welcome(2), 1.1)
    assert of(session.on(behind, 1.2), do.SendHello) == []
    session.on(do.HelloWanted(), 900.0)
    session.on(welcome(3), 900.1)
    assert of(session.on(behind, 900.2), do.SendHello)[0].with_receipts


def test_a_frozen_stream_waits_and_goes_on_when_the_hub_says_so() -> None:
    session = talking(streams=(do.OwnStream(ME, LIVE, 5, 5),))
    session.on(ack(StreamAck(ME, LIVE, 5, H, 1)), 2.0)
    assert session.on(do.FactCommitted(ME, LIVE, 6), 2.1) == []
    assert of(session.on(ack(StreamAck(ME, LIVE, 5, H, 0)), 2.2), do.CutAndSend)


def test_a_refusal_that_no_fact_can_cause_halves_nothing() -> None:
    session = talking("mqtt")
    now = 2.0
    session.on(do.FactCommitted(ME, LIVE, 8), now)
    for _ in range(6):
        session.on(do.BatchCut(ME, LIVE, 1, 8), now)
        effects = session.on(ack(StreamAck(ME, LIVE, 0, H, 0, (), ((1, "batch.key"),))), now + 0.1)
        assert do.Alarm("refused.batch.key", (ME, LIVE)) in effects
        now = session.wakes_at_s
        assert session.on(do.Tick(), now) == [do.CutAndSend("mqtt", ME, LIVE, 1, 500, 131072)]
    assert not session.streams[ME, LIVE].cap
    assert now - 2.0 > 60


def test_a_range_refused_three_times_is_halved_until_one_fact_is_left_and_withheld() -> None:
    session = talking("mqtt")
    now, sizes = 2.0, []
    session.on(do.FactCommitted(ME, LIVE, 4), now)
    for _ in range(9):
        size = min(4, session.streams[ME, LIVE].facts_max)
        sizes.append(size)
        session.on(do.BatchCut(ME, LIVE, 1, size), now)
        effects = session.on(ack(StreamAck(ME, LIVE, 0, H, 0, (), ((1, "batch.body"),))), now + 0.1)
        if of(effects, do.CutAndSend):
            continue
        now = session.wakes_at_s
        session.on(do.Tick(), now)
    assert sizes == [4, 4, 4, 2, 2, 2, 1, 1, 1]
    assert do.Withhold(ME, LIVE, 1) in effects
    session.on(do.BatchCut(ME, LIVE, 1, 1), now)
    session.on(do.AckApplied(ME, LIVE, 1), now)
    assert session.streams[ME, LIVE].cap == 1
    session.on(do.AckApplied(ME, LIVE, 4), now)
    assert session.streams[ME, LIVE].cap is None


def test_a_disk_that_failed_on_the_way_is_begun_again_from_what_it_holds() -> None:
    """Nobody knows which effects were performed: an epoch may not be stored, a batch may not have been cut."""
    session = talking()
    session.on(do.FactCommitted(ME, LIVE, 3), 1.0)
    session.on(said(message.ACK, Ack((), 5).body(), epoch=9), 1.1)
    effects = session.on(do.Stumbled((do.OwnStream(ME, LIVE, 3, 0), do.OwnStream(5, LIVE, 8, 2)), 1, ME), 1.2)
    assert of(effects, do.Disconnect) == [do.Disconnect("mqtt")] and session.state == states.SILENT
    assert session.epoch == 1
    session.on(do.Tick(), 10.0)
    assert do.SendHello("mqtt", 3) in session.on(do.CarrierUp("mqtt"), 10.1), "a number is not used twice"
    cut = of(session.on(welcome(3), 10.2), do.CutAndSend)
    assert [(each.incarnation, each.first) for each in cut] == [(ME, 1), (5, 3)]


def test_a_disk_that_failed_after_another_incarnation_began_leaves_the_session_in_that_one() -> None:
    session = talking()
    session.on(do.Stumbled((do.OwnStream(ME, LIVE, 3, 0), do.OwnStream(8, LIVE, 1, 0)), 1, 8), 1.2)
    assert not session.streams[ME, LIVE].current and session.streams[8, LIVE].current
    session.on(do.Tick(), 10.0)
    assert do.SendHello("mqtt", 1) in session.on(do.CarrierUp("mqtt"), 10.1)
