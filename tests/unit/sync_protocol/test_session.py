"""The session's story, one chapter a test: what it is told, what it wants done."""

from collections.abc import Mapping
from typing import Any

import pytest

from sync.kernel.ids import BULK, CONTROL, LIVE
from sync.kernel.limits import (
    BACKLOG_FACTS,
    CREDIT_BATCHES,
    CREDIT_BYTES,
    CREDIT_GOOD_S,
    RESEND_BACKLOG_S,
    RESEND_LIVE_S,
)
from sync.protocol import events as do
from sync.protocol import hello, message, states
from sync.protocol.ack import Ack, Credit, StreamAck
from sync.protocol.config import Config
from sync.protocol.hello import LEASES, Welcome
from sync.protocol.notices import FREEZE, HELLO_WANTED, THAW, Head, Notice, Order
from sync.protocol.session import Session

HUB, ME = "hub-b4l8r3yz", 7
H = bytes(32)


def said(kind: int, body: Mapping[int, Any], epoch: int = 1) -> do.Received:
    read = {number: _as_wire(value) for number, value in body.items()}
    return do.Received(message.Message(kind, HUB, "courier-a3k7q2xw", bytes(8), epoch, read), b"raw")


def _as_wire(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {number: _as_wire(item) for number, item in value.items()}
    return [_as_wire(item) for item in value] if isinstance(value, list | tuple) else value


def welcome(number: int, *, epoch: int = 1, **fields: Any) -> do.Received:
    ack = fields.pop("ack", Ack((), 5))
    return said(message.WELCOME, Welcome((ME, number), ack, **fields).body(), epoch)


def ack(*streams: StreamAck, epoch: int = 1) -> do.Received:
    return said(message.ACK, Ack(streams, 5).body(), epoch)


def fresh(*carriers: str, streams: tuple[do.OwnStream, ...] = (), epoch: int = 1) -> Session:
    session = Session(Config(ME, carriers or ("mqtt", "https"), lambda: 0.5, backoff_s_max=60.0))
    session.on(do.Started(streams, epoch), 0.0)
    return session


def greeted(*carriers: str, **how: Any) -> Session:
    session = fresh(*carriers, **how)
    assert session.on(do.Tick(), 0.25)[-1] == do.Connect(session.carrier)
    assert session.on(do.CarrierUp(session.carrier), 0.3)[-1] == do.SendHello(session.carrier, 1)
    return session


def talking(*carriers: str, credit: Credit | None = None, **how: Any) -> Session:
    session = greeted(*carriers, **how)
    session.on(welcome(1, ack=Ack((), 5, credit)), 0.5)
    assert session.state == states.TALKING
    return session


GRANTED = Credit(CREDIT_BYTES, CREDIT_BATCHES, 0, CREDIT_GOOD_S)


def of(effects: list[do.Effect], kind: type) -> list[Any]:
    return [effect for effect in effects if isinstance(effect, kind)]


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


def test_back_off_has_full_jitter_doubles_and_has_a_cap() -> None:
    session = fresh("mqtt")
    waits, now = [], 0.25
    session.on(do.Tick(), now)
    for _ in range(9):
        session.on(do.CarrierDown("mqtt"), now)
        waits.append(session.wakes_at_s - now)
        now = session.wakes_at_s
        session.on(do.Tick(), now)
    assert waits == pytest.approx([0.25, 0.5, 1, 2, 4, 8, 16, 30, 30])


def test_three_failures_in_a_row_try_the_next_carrier() -> None:
    session = fresh()
    called = []
    for _ in range(7):
        connect = of(session.on(do.Tick(), session.wakes_at_s), do.Connect)[0]
        called.append(connect.carrier)
        session.on(do.CarrierDown(connect.carrier), 1000.0 * len(called))
    assert called == ["mqtt"] * 3 + ["https"] * 3 + ["mqtt"]


def test_a_carrier_that_says_nothing_counts_as_failed() -> None:
    session = fresh("mqtt")
    session.on(do.Tick(), 0.25)
    assert session.wakes_at_s == 10.25
    assert do.Disconnect("mqtt") in session.on(do.Tick(), 10.25)
    assert session.state == states.SILENT


def test_a_hello_without_answer_is_repeated_under_its_number_and_given_up() -> None:
    session = greeted("mqtt")
    for at in (2.3, 6.3, 14.3):
        assert session.on(do.Tick(), at + 0.01) == [do.SendHello("mqtt", 1)]
    assert do.Disconnect("mqtt") in session.on(do.Tick(), 31.0)
    assert session.state == states.SILENT


def on_https() -> Session:
    session = fresh()
    for _ in range(3):
        now = session.wakes_at_s
        session.on(do.Tick(), now)
        session.on(do.CarrierDown("mqtt"), now)
    session.on(do.Tick(), 10.0)
    session.on(do.CarrierUp("https"), 10.0)
    session.on(welcome(1), 10.0)
    assert (session.state, session.carrier) == (states.TALKING, "https")
    return session


def test_a_better_carrier_is_tried_every_five_minutes_and_taken_without_a_pause() -> None:
    session = on_https()
    assert session.on(do.Tick(), 310.0) == [do.Connect("mqtt")]
    session.on(do.CarrierDown("mqtt"), 311.0)
    assert session.state == states.TALKING
    assert session.on(do.Tick(), 611.0) == [do.Connect("mqtt")]
    session.on(do.FactCommitted(ME, LIVE, 1), 611.1)
    session.on(do.BatchCut(ME, LIVE, 1, 1), 611.1)
    assert session.on(do.CarrierUp("mqtt"), 611.2) == [
        do.Disconnect("https"), do.ShowState("greeting", "mqtt"), do.SendHello("mqtt", 2),
    ]  # fmt: skip
    session.on(welcome(2), 611.3)
    assert session.on(do.Tick(), 613.2) == [do.Resend("mqtt", ME, LIVE, 1, 1)]


def test_a_better_carrier_that_says_nothing_is_hung_up() -> None:
    session = on_https()
    session.on(do.Tick(), 310.0)
    assert session.on(do.Tick(), 320.0) == [do.Disconnect("mqtt")]
    assert session.wakes_at_s == 620.0


def test_hello_every_quarter_of_an_hour() -> None:
    session = talking()
    assert session.wakes_at_s == 900.5
    assert session.on(do.Tick(), 900.5) == [do.SendHello("mqtt", 2)]
    session.on(welcome(2), 901.0)
    assert session.on(do.HelloWanted(), 902.0) == [do.SendHello("mqtt", 3)]


def test_a_welcome_to_another_hello_changes_nothing() -> None:
    session = greeted()
    other = said(message.WELCOME, Welcome((ME + 1, 1), Ack((), 5)).body())
    for late in (other, welcome(2), welcome(0)):
        assert session.on(late, 0.4) == [do.Count("welcome.of-another-hello")]
    session.on(welcome(1), 0.5)
    assert session.on(welcome(1), 0.6) == [do.Count("welcome.of-another-hello")]


@pytest.mark.parametrize(
    ("status", "state", "why"),
    [
        (hello.OPEN, states.TALKING, "ordinary"),
        (hello.REWOUND, states.TALKING, "facts are still taken"),
        (hello.FROZEN, states.HELD, "an operator holds it"),
        (hello.REVOKED, states.SHUT_OUT, "its key counts no more"),
        (hello.UNKNOWN, states.GREETING, "the hub forgot it"),
        (hello.TOO_OLD, states.TALKING, "up only"),
        (99, states.TALKING, "a status of a newer hub: facts go on"),
    ],
)
def test_what_a_welcome_may_say(status: int, state: str, why: str) -> None:
    session = greeted(streams=(do.OwnStream(ME, LIVE, 3, 0),))
    effects = session.on(welcome(1, status=status), 0.5)
    assert session.state == state, why
    assert bool(of(effects, do.CutAndSend)) == (state == states.TALKING)
    assert bool(of(effects, do.FetchRound)) == (status in (hello.OPEN, hello.REWOUND))
    assert bool(of(effects, do.SendIdentity)) == (status == hello.UNKNOWN)
    assert bool(of(effects, do.Disconnect)) == (status == hello.REVOKED)


def test_an_unknown_node_shows_its_record_and_greets_again() -> None:
    session = greeted()
    session.on(welcome(1, status=hello.UNKNOWN, wanted=(hello.IDENTITY,)), 0.5)
    assert session.on(do.Tick(), 2.5) == [do.SendHello("mqtt", 1)]
    session.on(welcome(1), 2.6)
    assert session.state == states.TALKING


def test_a_held_node_hears_its_thaw() -> None:
    session = talking()
    session.on(said(message.ORDER, Order(1, FREEZE).body()), 2.0)
    assert session.state == states.HELD
    assert session.on(do.FactCommitted(ME, LIVE, 1), 3.0) == []
    effects = session.on(said(message.ORDER, Order(2, THAW).body()), 4.0)
    assert effects == [do.Obey(Order(2, THAW)), do.ShowState("greeting", "mqtt"), do.SendHello("mqtt", 2)]


def test_a_node_shut_out_calls_again_with_a_new_record() -> None:
    session = greeted()
    session.on(welcome(1, status=hello.REVOKED), 0.5)
    assert session.wakes_at_s == float("inf")
    assert do.Connect("mqtt") in session.on(do.IdentityRenewed(), 9.0)


def test_the_first_welcome_ever_brings_the_epoch() -> None:
    session = greeted(epoch=0)
    effects = session.on(welcome(1, epoch=4), 0.5)
    assert effects[0] == do.RaiseEpoch(4)
    assert (session.state, session.epoch) == (states.TALKING, 4)


def test_a_higher_epoch_forgets_marks_and_greets_again() -> None:
    session = talking(streams=(do.OwnStream(ME, LIVE, 9, 9),))
    effects = session.on(ack(StreamAck(ME, LIVE, 3, H), epoch=2), 2.0)
    assert effects == [
        do.RaiseEpoch(2), do.ShowState("greeting", "mqtt"), do.SendHello("mqtt", 2),
        do.ApplyAck(Ack((StreamAck(ME, LIVE, 3, H),), 5), b"raw", False),
    ]  # fmt: skip
    session.on(do.EpochRaised((do.OwnStream(ME, LIVE, 9, 0), do.OwnStream(2, BULK, 4, 0))), 2.0)
    session.on(do.AckApplied(ME, LIVE, 3), 2.0)
    cuts = of(session.on(welcome(2, epoch=2, ack=Ack((), 5, GRANTED)), 2.1), do.CutAndSend)
    assert [(cut.incarnation, cut.first) for cut in cuts] == [(ME, 4), (2, 1)]


def test_a_hub_of_a_lower_epoch_that_knows_no_such_node_is_shown_the_record() -> None:
    session = greeted(epoch=5)
    effects = session.on(welcome(1, epoch=4, status=hello.UNKNOWN), 0.5)
    assert session.state == states.GREETING and of(effects, do.SendIdentity) == [do.SendIdentity("mqtt")]
    assert session.epoch == 5 and not of(effects, do.RaiseEpoch)
    assert not of(effects, do.ApplyAck), "nothing else of a lower epoch is taken"
    again = session.on(do.Tick(), session.wakes_at_s)
    assert of(again, do.SendHello)


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


def test_words_that_change_nothing_are_counted() -> None:
    session = talking()
    assert session.on(said(message.NOTICE, Notice("batch.unknown-node", 5).body()), 2.0) == [
        do.Count("notice.batch.unknown-node")
    ]
    assert session.on(said(message.LEASE, {}, epoch=0), 2.0) == [do.Count("epoch.lower")]
    assert session.on(said(message.ASK, {}), 2.0) == [do.Count("message.ask")]
    assert session.on(said(message.ACK, {}), 2.0) == [do.Count("ack.body")]
    assert session.on(said(message.HEAD, Head((), 5).body()), 2.0) == [do.FetchRound()]
    assert session.on(said(message.HEAD, Head((), 5).body(), epoch=2), 2.0) == [do.SendHello("mqtt", 2)]
    assert session.on(do.AckApplied(3, LIVE, 1, "unknown-stream"), 2.0) == [do.Count("ack.unknown-stream")]
    assert session.on(do.CarrierUp("https"), 2.0) == [do.Count("session.carrier-up")]


def test_asks_are_sent_with_each_welcome_and_when_they_are_due_while_talking() -> None:
    silent = fresh()
    assert not of(silent.on(do.AsksOpen(0.1), 0.1), do.SendAsks)
    session = talking()
    assert session.on(do.AsksOpen(3.0), 1.0) == []
    assert session.on(do.AsksOpen(9.0), 1.0) == []
    assert session.wakes_at_s == 3.0
    assert session.on(do.Tick(), 3.0) == [do.SendAsks("mqtt")]
    assert session.on(do.Tick(), 3.1) == []


def test_a_hub_that_knows_other_leases_is_shown_ours() -> None:
    session = greeted()
    assert do.SendAsks("mqtt", fresh=True, every=True) in session.on(welcome(1, wanted=(LEASES,)), 0.5)


def test_trust_and_identity_go_to_their_keepers() -> None:
    session = talking()
    for kind, effect in (
        (message.TRUST, do.AdoptTrust), (message.IDENTITY, do.AdoptIdentity), (message.LEASE, do.TakeLease)
    ):  # fmt: skip
        told = said(kind, {})
        assert session.on(told, 2.0) == [effect(told.message, b"raw")]


def test_an_answer_from_a_stick_counts_with_no_line_at_all() -> None:
    session = fresh(streams=(do.OwnStream(3, LIVE, 5, 0),))
    told = StreamAck(3, LIVE, 5, H)
    assert session.on(ack(told), 0.1) == [do.ApplyAck(Ack((told,), 5), b"raw", False)]
    session.on(do.AckApplied(3, LIVE, 5), 0.1)
    assert session.streams == {}


def test_a_hub_that_has_something_to_say_is_greeted_again() -> None:
    session = talking()
    notice = said(message.NOTICE, Notice(HELLO_WANTED, 5).body())
    assert session.on(notice, 2.0) == [do.SendHello("mqtt", 2)]
    assert session.on(notice, 2.1) == [do.Count("notice.hello-wanted")], "one greeting at a time"
