"""A lease on the box that holds it: the table as a full matrix, and what the numbers beside the state do."""

import itertools
from dataclasses import replace

import pytest

from sync.kernel.outcome import Refused
from sync.protocol import held as rules
from sync.protocol import lease as words
from sync.protocol import lease_states as states
from sync.protocol.held import Held, Witnessed
from sync.protocol.lease import Lease
from sync.protocol.states import EPOCH_RISES

GOOD = {
    ("asked", "lease, valid"): "usable",
    ("asked", "not now"): "asked",
    ("usable", "use"): "usable",
    ("usable", "quota or time out"): "spent",
    ("usable", "process start, numbers"): "void",
    ("usable", "process start, witness not behind"): "usable",
    ("usable", "process start, witness missing or behind"): "asleep",
    ("usable", "clock set back"): "asleep",
    ("usable", "offline too long"): "asleep",
    ("usable", "rewound"): "asleep",
    ("usable", "epoch rises"): "asleep",
    ("usable", "confirmed by hub"): "usable",
    ("usable", "voided"): "void",
    ("asleep", "confirmed by hub"): "usable",
    ("asleep", "voided"): "void",
    ("asleep", "quota or time out"): "spent",
    ("asleep", "process start, numbers"): "void",
    ("spent", "reported"): "closed",
    ("void", "reported"): "closed",
}
ID, NODE = bytes(16), "kiosk-a3k7q2xw"
BLOCK = Lease(ID, words.NUMBER, "ticket", NODE, 5, incarnation=7, first=101, last=110)
ALONE = Lease(ID, words.HOLD, "shelf:A1", NODE, 5, fence=9, lasts_s=600, grace_s=60)
READS = Lease(ID, words.READ, "record:W12", NODE, 5, quota=3, lasts_s=600, offline_s=300)


@pytest.mark.parametrize(("state", "said"), list(itertools.product(states.LEASE_STATES, states.LEASE_INPUTS)))
def test_lease_matrix(state: str, said: str) -> None:
    assert rules.move(Held(READS, state, 0, 0, 0), said).state == GOOD.get((state, said), state)


def test_every_state_is_reached() -> None:
    reached = {"asked"}
    while more := {after for (state, _), after in states.LEASE.items() if state in reached} - reached:
        reached |= more
    assert reached == set(states.LEASE_STATES)


def used(held: Held, units: int, meter_ms: int) -> Held:
    done = rules.use(held, units, meter_ms)
    assert isinstance(done, Held)
    return done


def refusal(held: Held, units: int, meter_ms: int) -> str:
    done = rules.use(held, units, meter_ms)
    assert isinstance(done, Refused)
    return done.code


@pytest.mark.row("E05.1")
def test_a_quota_is_never_exceeded() -> None:
    held = used(used(rules.granted(READS, 0, 0), 1, 10), 2, 20)
    assert (held.used, held.left, held.state) == (3, 0, "usable")
    assert refusal(held, 1, 30) == "lease.spent"
    assert refusal(rules.granted(READS, 0, 0), 4, 10) == "lease.quota"


@pytest.mark.row("E05.1")
def test_the_term_ends_by_the_meter_also_asleep() -> None:
    held = rules.granted(ALONE, 0, 0)
    assert used(held, 1, 599_999).state == "usable"
    assert refusal(held, 1, 600_000) == "lease.spent"
    asleep = rules.doubted(held, states.CLOCK_SET_BACK)
    assert refusal(asleep, 1, 10) == "lease.asleep"
    assert rules.aged(asleep, 600_000).state == "spent"


def test_the_term_begins_when_it_was_asked_for() -> None:
    assert rules.granted(ALONE, 1_000, 90_000).spent_s(90_001) == 90


def test_unconfirmed_for_too_long_a_counted_lease_sleeps_until_the_hub_is_heard() -> None:
    held = rules.aged(rules.granted(READS, 0, 0), 300_000)
    assert held.state == "asleep"
    assert rules.confirmed(held, 0, 300, 300_000).state == "usable"
    assert rules.aged(rules.granted(ALONE, 0, 0), 300_000).state == "usable"


@pytest.mark.row("E05.2")
def test_the_higher_mark_of_witness_and_database_counts_at_a_start() -> None:
    held = Held(READS, "usable", 1, 0, 0)
    assert rules.started(held, 8, Witnessed(2, False)).used == 2
    for behind in (None, Witnessed(0, False)):
        assert rules.started(held, 8, behind).state == "asleep"
    assert rules.started(held, 8, Witnessed(1, True)).state == "spent"
    assert rules.started(replace(held, state="asleep"), 8, Witnessed(1, False)).state == "asleep"


@pytest.mark.row("G18.1")
def test_numbers_die_with_the_process_and_a_hold_goes_on() -> None:
    block = rules.granted(BLOCK, 0, 0)
    assert rules.started(block, 7, None).state == "usable"
    assert rules.started(block, 8, None).state == "void"
    assert rules.started(rules.granted(ALONE, 0, 0), 8, None).state == "usable"


def test_who_sleeps_when_something_is_in_doubt() -> None:
    asleep = {
        (words.KIND_WORDS[lease.kind], said)
        for lease, said in itertools.product(
            (BLOCK, ALONE, READS), (states.CLOCK_SET_BACK, states.DISK_REWOUND, EPOCH_RISES)
        )
        if rules.doubted(rules.granted(lease, 0, 0), said).state == "asleep"
    }
    assert asleep == {
        ("hold", "clock set back"), ("hold", "rewound"),
        ("read", "clock set back"), ("read", "rewound"), ("read", "epoch rises"),
    }  # fmt: skip


def test_a_confirmation_takes_the_higher_marks_and_wakes_nothing_that_is_over() -> None:
    held = rules.doubted(Held(READS, "usable", 1, 0, 0), EPOCH_RISES)
    awake = rules.confirmed(held, 2, 100, 50_000)
    assert (awake.state, awake.used, awake.spent_s(50_000)) == ("usable", 2, 100)
    assert rules.confirmed(held, 0, 0, 50_000).used == 1
    assert rules.confirmed(held, 3, 0, 50_000).state == "spent"
    assert rules.confirmed(held, 0, 600, 50_000).state == "spent"


def test_a_hold_is_renewed_from_when_that_was_asked() -> None:
    again = rules.renewed(rules.granted(ALONE, 0, 0), replace(ALONE, granted=9), 500_000, 520_000)
    assert (again.state, again.spent_s(520_000), again.lease.granted) == ("usable", 20, 9)


@pytest.mark.row("G18.2")
@pytest.mark.parametrize(
    ("used_of_each", "asked", "wanted"),
    [
        ((), 0, 2), ((), 2, 0), ((0,), 0, 1), ((0, 0), 0, 0), ((10, 0), 0, 1), ((9, 4), 0, 0), ((9, 5), 0, 1),
        ((9, 5), 1, 0), ((10, 10), 0, 2), ((3, 0, 0), 0, 0),
    ],
)  # fmt: skip
def test_two_blocks_are_held_and_more_asked_for_in_time(used_of_each: tuple[int, ...], asked: int, wanted: int) -> None:
    blocks = [Held(BLOCK, "usable", drawn, 0, 0) for drawn in used_of_each]
    assert rules.blocks_wanted(blocks, asked) == wanted


def test_the_overflow_series_names_box_and_start() -> None:
    assert rules.overflow_number(NODE, "k3q9", 12) == "a3k7q2xw-k3q9-12"
