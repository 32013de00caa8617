"""Five states, each from the evidence that the strip's rule asks for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk_ui.kit.screens.line import STATES, LineFacts, LineWords, line_state, line_view

UP = LineFacts(connected=True, last_ack_age_s=1.0, ack_delay_s=0.04)
DOWN = replace(UP, connected=False)


@pytest.mark.parametrize(
    ("facts", "state", "why"),
    [
        (UP, "up", "acknowledged at once"),
        (replace(UP, outbox=1), "up", "one fact on its way is no backlog"),
        (replace(UP, ack_delay_s=9.0, slow_streak=1), "up", "one slow answer proves nothing"),
        (replace(UP, ack_delay_s=3.0, slow_streak=2), "slow", "3 s or later, twice in a row"),
        (replace(UP, ack_delay_s=2.9, slow_streak=2), "up", "the latest was quick again"),
        (replace(UP, silent_s=14.9), "up", "not yet 15 s"),
        (replace(UP, silent_s=15.0), "silent", "connected, nothing for 15 s"),
        (replace(DOWN, cut_s=4.9), "up", "less than 5 s of evidence"),
        (replace(DOWN, cut_s=4.9, ack_delay_s=4.0, slow_streak=3), "slow", "what it was before"),
        (replace(DOWN, cut_s=5.0), "cut", "5 s of evidence"),
        (replace(DOWN, cut_s=90.0, silent_s=90.0), "cut", "cannot connect beats nobody answers"),
        (replace(UP, cut_s=90.0), "cut", "connected again but nothing acknowledged: no flicker"),
        (replace(UP, cut_s=90.0, silent_s=15.0), "silent", "connected again, and nobody answers"),
        (replace(UP, outbox=57, delivered=1), "draining", "one acknowledgement brings it back"),
        (replace(UP, outbox=0, delivered=57), "up", "nothing waits"),
        (replace(UP, outbox=57, delivered=9, silent_s=20.0), "silent", "fell silent in the middle"),
        (LineFacts(connected=False), "up", "just started, no evidence yet"),
    ],
)
def test_state(facts: LineFacts, state: str, why: str) -> None:
    assert line_state(facts) == state, why
    assert line_view(facts).state in STATES


def test_only_no_word_from_the_other_side_is_grey() -> None:
    grey = {
        line_view(facts).state: line_view(facts).grey
        for facts in (UP, replace(UP, silent_s=20), replace(DOWN, cut_s=9))
    }
    assert grey == {"up": False, "silent": True, "cut": True}


def test_a_machine_that_is_too_old_says_what_goes_on_and_who_can_help() -> None:
    view = line_view(replace(UP, outdated=True))
    assert (view.state, view.grey) == ("up", False)
    assert view.key.id == "本机软件太旧"
    assert view.still is not None and view.still.id.index("照常送达") < view.still.id.index("管理员")
    assert line_view(replace(DOWN, cut_s=9, outdated=True)).state == "cut", "the line goes before"


def test_a_cut_line_says_what_works_before_what_waits() -> None:
    view = line_view(replace(DOWN, cut_s=60.0, outbox=12), LineWords("收病案", "送达中心"))
    assert view.key.id == "网络中断，本机照常工作"
    assert view.still is not None and view.still.id.index("works") < view.still.id.index("waits")
    assert view.numbers == {"waiting": 12}


@pytest.mark.parametrize(
    ("outbox", "rate", "left"), [(16, 6.0, 3), (1, 50.0, 1), (16, 0.0, None), (60_000, 100.0, 600)]
)
def test_draining_tells_the_rest_only_when_it_is_known(outbox: int, rate: float, left: int | None) -> None:
    view = line_view(replace(UP, outbox=outbox, delivered=41, drain_rate=rate))
    assert view.numbers.get("left_s") == left
    assert view.numbers["total"] == outbox + 41
