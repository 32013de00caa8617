"""What a session sends and when: batches, windows, gathering, sending again."""

import pytest

from sync.kernel.ids import BULK, CONTROL, LIVE
from sync.kernel.limits import (
    BACKLOG_FACTS,
    RESEND_BACKLOG_S,
    RESEND_LIVE_S,
)
from sync.protocol import events as do
from sync.protocol import states
from sync.protocol.ack import Ack, Credit, StreamAck
from tests.unit.sync_protocol.sessions import GRANTED, ME, H, ack, fresh, greeted, of, talking, welcome


def test_a_morning() -> None:
    session = fresh()
    assert session.wakes_at_s == 0.25
    assert session.on(do.Tick(), 0.2) == []
    assert session.on(do.Tick(), 0.25) == [do.ShowState("calling", "mqtt"), do.Connect("mqtt")]
    assert session.on(do.CarrierUp("mqtt"), 1.0) == [do.ShowState("greeting", "mqtt"), do.SendHello("mqtt", 1)]
    effects = session.on(welcome(1, scope_set=(3, ("site",))), 1.1)
    assert effects == [
        do.ShowState("talking", "mqtt"),
        do.ApplyAck(Ack((), 5), b"raw", True),
        do.AdoptScopes(3, ("site",)),
        do.SendAsks("mqtt", fresh=True),
        do.FetchRound(),
    ]
    assert session.on(do.FactCommitted(ME, LIVE, 1), 2.0) == [do.CutAndSend("mqtt", ME, LIVE, 1, 500, 131072)]
    assert session.on(do.BatchCut(ME, LIVE, 1, 1), 2.0) == []
    assert session.wakes_at_s == 4.0
    assert of(session.on(ack(StreamAck(ME, LIVE, 1, H)), 2.1), do.ApplyAck)
    session.on(do.AckApplied(ME, LIVE, 1), 2.1)
    assert session.wakes_at_s > 100


def test_live_facts_gather_while_one_batch_is_out_and_leave_after_5_ms() -> None:
    session = talking()
    session.on(do.FactCommitted(ME, LIVE, 1), 2.0)
    session.on(do.BatchCut(ME, LIVE, 1, 1), 2.0)
    assert session.on(do.FactCommitted(ME, LIVE, 2), 2.010) == []
    assert session.on(do.FactCommitted(ME, LIVE, 3), 2.012) == []
    assert session.wakes_at_s == pytest.approx(2.015)
    assert session.on(do.Tick(), 2.0151) == [do.CutAndSend("mqtt", ME, LIVE, 2, 500, 131072)]


def test_five_hundred_do_not_wait() -> None:
    session = talking(credit=GRANTED)
    assert session.on(do.FactCommitted(ME, BULK, 499), 2.0) == []
    assert session.on(do.FactCommitted(ME, BULK, 500), 2.01) == [do.CutAndSend("mqtt", ME, BULK, 1, 500, 131072)]


def test_control_facts_wait_for_quiet() -> None:
    session = talking()
    assert session.on(do.FactCommitted(ME, CONTROL, 1), 2.0) == []
    assert session.wakes_at_s == pytest.approx(2.2)
    assert session.on(do.Tick(), 2.21) == [do.CutAndSend("mqtt", ME, CONTROL, 1, 500, 131072)]


@pytest.mark.parametrize(
    ("credit", "windows"), [(None, {LIVE: 1, CONTROL: 2, BULK: 0}), (GRANTED, {LIVE: 1, CONTROL: 6, BULK: 4})]
)
def test_windows_and_what_credit_adds_to_them(credit: Credit | None, windows: dict[int, int]) -> None:
    for lane, window in windows.items():
        session = talking(credit=credit)
        todo = session.on(do.FactCommitted(ME, lane, 100_000), 2.0)
        sent = 0
        while cuts := of(todo, do.CutAndSend):
            first = cuts[0].first
            sent += 1
            todo = session.on(do.BatchCut(ME, lane, first, first + 499), 2.0)
        assert sent == window


def test_the_opening_of_a_start_goes_before_its_first_live_fact() -> None:
    session = greeted(streams=(do.OwnStream(ME, LIVE, 5, 0), do.OwnStream(ME, CONTROL, 1, 0)))
    assert [cut.lane for cut in of(session.on(welcome(1), 0.5), do.CutAndSend)] == [CONTROL, LIVE]


def test_live_goes_before_control_and_bulk_and_today_before_yesterday() -> None:
    yesterday = tuple(do.OwnStream(3, lane, 600, 0) for lane in (CONTROL, LIVE, BULK))
    today = tuple(do.OwnStream(ME, lane, 600, 1) for lane in (BULK, CONTROL, LIVE))
    session = greeted(streams=yesterday + today)
    cuts = of(session.on(welcome(1, ack=Ack((), 5, GRANTED)), 0.5), do.CutAndSend)
    assert [(cut.lane, cut.incarnation) for cut in cuts] == [
        (LIVE, ME), (LIVE, 3), (CONTROL, ME), (CONTROL, 3), (BULK, ME), (BULK, 3),
    ]  # fmt: skip


def test_resends_double_and_after_three_the_line_is_given_up() -> None:
    session = talking("mqtt")
    session.on(do.FactCommitted(ME, LIVE, 1), 2.0)
    session.on(do.BatchCut(ME, LIVE, 1, 1), 2.0)
    for at in (4.0, 8.0, 16.0):
        assert session.wakes_at_s == pytest.approx(at)
        assert session.on(do.Tick(), at) == [do.Resend("mqtt", ME, LIVE, 1, 1)]
    effects = session.on(do.Tick(), 32.0)
    assert effects == [do.ShowState("silent", None), do.Disconnect("mqtt")]
    assert session.wakes_at_s == 32.25


def test_a_live_backlog_begins_with_one_batch_and_each_signature_lets_one_more_go() -> None:
    session = talking("mqtt")
    todo, first, acked, flying = session.on(do.FactCommitted(ME, LIVE, 100_000), 2.0), 1, 0, []
    for now in range(6):
        while cuts := of(todo, do.CutAndSend):
            first = cuts[0].first + 500
            todo = session.on(do.BatchCut(ME, LIVE, first - 500, first - 1), 2.0 + now)
        flying.append((first - 1 - acked) // 500)
        acked = first - 1
        todo = session.on(do.AckApplied(ME, LIVE, acked, None), 2.5 + now)
    assert flying == [1, 2, 4, 8, 8, 8]


def test_a_batch_that_must_be_sent_again_makes_the_window_small() -> None:
    session = talking("mqtt")
    session.on(do.FactCommitted(ME, LIVE, 100_000), 2.0)
    session.on(do.BatchCut(ME, LIVE, 1, 500), 2.0)
    todo = session.on(do.AckApplied(ME, LIVE, 500, None), 2.5)
    assert [cut.first for cut in of(todo, do.CutAndSend)] == [501]
    assert [cut.first for cut in of(session.on(do.BatchCut(ME, LIVE, 501, 1000), 2.5), do.CutAndSend)] == [1001]
    session.on(do.BatchCut(ME, LIVE, 1001, 1500), 2.5)
    assert of(session.on(do.Tick(), 2.5 + RESEND_BACKLOG_S), do.Resend), "nothing was heard"
    todo = session.on(do.AckApplied(ME, LIVE, 1000, None), 33.0)
    assert [cut.first for cut in of(todo, do.CutAndSend)] == [1501]
    assert not of(session.on(do.BatchCut(ME, LIVE, 1501, 2000), 33.0), do.CutAndSend), "two are on the way, not three"


def test_a_piece_of_a_backlog_is_not_resent_as_soon_as_a_live_fact() -> None:
    session = talking("mqtt")
    session.on(do.FactCommitted(ME, LIVE, BACKLOG_FACTS), 2.0)
    session.on(do.BatchCut(ME, LIVE, 1, BACKLOG_FACTS), 2.0)
    assert session.wakes_at_s == pytest.approx(2.0 + RESEND_BACKLOG_S)
    session.on(do.FactCommitted(ME, LIVE, BACKLOG_FACTS + 1), 3.0)
    session.on(do.BatchCut(ME, LIVE, BACKLOG_FACTS + 1, BACKLOG_FACTS + 1), 3.0)
    assert session.wakes_at_s == pytest.approx(3.0 + RESEND_LIVE_S)


def test_any_answer_of_the_hub_keeps_the_line() -> None:
    session = talking("mqtt")
    session.on(do.FactCommitted(ME, LIVE, 1), 2.0)
    session.on(do.BatchCut(ME, LIVE, 1, 1), 2.0)
    for _ in range(20):
        session.on(do.Tick(), session.wakes_at_s)
        session.on(ack(), session.wakes_at_s - 0.1)
    assert session.state == states.TALKING


def test_a_named_gap_is_resent_soon_and_once() -> None:
    session = talking("mqtt")
    session.on(do.FactCommitted(ME, LIVE, 1000), 2.0)
    session.on(do.BatchCut(ME, LIVE, 1, 500), 2.0)
    session.on(do.BatchCut(ME, LIVE, 501, 1000), 2.0)
    gap = StreamAck(ME, LIVE, 0, H, 0, ((1, 500),))
    session.on(ack(gap), 2.1)
    session.on(ack(gap), 2.2)
    assert session.wakes_at_s == pytest.approx(2.35)
    assert session.on(do.Tick(), 2.36) == [do.Resend("mqtt", ME, LIVE, 1, 500)]
    assert session.on(do.Tick(), 2.5) == []
