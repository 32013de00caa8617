from __future__ import annotations

import pytest

from appliance.link.gauge import Gauge
from kiosk_ui.kit.screens.line import line_state


def test_a_machine_that_never_heard_of_the_hub_says_so() -> None:
    gauge = Gauge(0.0, None)
    facts = gauge.facts(6.0, 0)
    assert facts.last_ack_age_s is None
    assert line_state(facts) == "cut"


def test_the_first_answer_makes_the_line_up() -> None:
    gauge = Gauge(0.0, None)
    gauge.up(1.0)
    gauge.asked(1.0)
    gauge.heard(1.2, 0.2, 0, 0)
    facts = gauge.facts(2.0, 0)
    assert (facts.connected, facts.cut_s, facts.silent_s) == (True, 0.0, 0.0)
    assert line_state(facts) == "up"


def test_a_refused_line_is_cut_after_five_seconds_not_before() -> None:
    gauge = Gauge(0.0, 0.0)
    gauge.up(0.0)
    gauge.heard(0.5, None, 0, 0)
    gauge.down("lost", 10.0)
    assert line_state(gauge.facts(14.0, 3)) == "up"
    gauge.down("refused", 14.5)
    assert line_state(gauge.facts(15.1, 3)) == "cut"
    assert gauge.facts(20.0, 3).cut_s == pytest.approx(10.0)


def test_an_open_line_without_an_answer_is_silent_also_while_calling_again() -> None:
    gauge = Gauge(0.0, 0.0)
    gauge.up(0.0)
    gauge.heard(0.5, None, 0, 0)
    gauge.asked(10.0)
    assert line_state(gauge.facts(24.0, 1)) == "up"
    assert line_state(gauge.facts(25.0, 1)) == "silent"
    gauge.down("no-answer", 26.0)
    assert line_state(gauge.facts(40.0, 1)) == "silent"


def test_two_slow_answers_make_a_slow_line_and_a_quick_one_ends_it() -> None:
    gauge = Gauge(0.0, 0.0)
    gauge.up(0.0)
    for at_s in (10.0, 20.0):
        gauge.heard(at_s, 3.5, 1, 0)
    assert line_state(gauge.facts(20.0, 0)) == "slow"
    gauge.heard(30.0, 0.1, 1, 0)
    assert line_state(gauge.facts(30.0, 0)) == "up"


def test_slow_answers_of_a_box_that_then_rests_do_not_call_the_line_slow_until_the_next_greeting() -> None:
    gauge = Gauge(0.0, 0.0)
    gauge.up(0.0)
    for at_s in (10.0, 11.0):
        gauge.heard(at_s, 60.0, 1, 0)
    assert line_state(gauge.facts(40.0, 0)) == "slow"
    assert line_state(gauge.facts(41.5, 0)) == "up"
    gauge.heard(900.0, 4.0, 0, 0)
    assert line_state(gauge.facts(900.0, 0)) == "slow"


def test_after_a_cut_the_drain_is_told_until_nothing_waits() -> None:
    gauge = Gauge(0.0, 0.0)
    gauge.up(0.0)
    gauge.heard(0.5, None, 0, 0)
    gauge.down("lost", 1.0)
    gauge.up(20.0)
    gauge.heard(20.0, None, 0, 400)
    gauge.heard(21.0, 0.1, 100, 300)
    facts = gauge.facts(21.0, 300)
    assert (facts.delivered, facts.outbox) == (100, 300)
    assert facts.drain_rate > 0
    assert line_state(facts) == "draining"
    gauge.heard(23.0, 0.1, 300, 0)
    assert line_state(gauge.facts(23.0, 0)) == "up"


def test_ordinary_work_on_a_good_line_is_not_called_a_drain() -> None:
    gauge = Gauge(0.0, 0.0)
    gauge.up(0.0)
    gauge.heard(0.5, None, 0, 0)
    gauge.asked(1.0)
    gauge.heard(1.1, 0.1, 1, 1)
    assert line_state(gauge.facts(1.1, 1)) == "up"
