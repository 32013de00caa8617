"""How a session keeps its line: carriers, greeting, epochs, and what else it is told on the way."""

import pytest

from sync.kernel.ids import BULK, LIVE
from sync.protocol import events as do
from sync.protocol import hello, message, states
from sync.protocol.ack import Ack, StreamAck
from sync.protocol.hello import LEASES, Welcome
from sync.protocol.notices import FREEZE, HELLO_WANTED, THAW, Head, Notice, Order
from sync.protocol.session import Session
from tests.unit.sync_protocol.sessions import GRANTED, ME, H, ack, fresh, greeted, of, said, talking, welcome


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
