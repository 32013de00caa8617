"""Reads, prints and break-glass: counted in the witness first, over when they are over, refunded by nothing."""

from typing import Any

import pytest

from sync.adapters.leases import hub_tables
from sync.adapters.leases.box import Use
from sync.adapters.leases.hub_tables import Wish
from sync.adapters.sqlite_log import down
from sync.adapters.sqlite_log.hub_store import set_node_state
from sync.kernel.outcome import Refused, Unavailable
from sync.protocol import lease as words
from sync.protocol.states import EPOCH_RISES

RECORDS = "record:W12"


def granted(box: Any, units: int = 3, lasts_s: int = 3600, offline_s: int = 3600, kind: int = words.READ) -> bytes:
    wish = Wish(kind, RECORDS, units, lasts_s, offline_s, "u-1", "ward", "round")
    raw = box.centre.office.grant(box.centre.node(), wish, "u-admin")
    assert isinstance(raw, bytes)
    box.hear(raw)
    (lease,) = box.leases.usable(kind, RECORDS)
    return bytes(lease.id)


def use(box: Any, lease: bytes, units: int = 1, reason: str | None = None) -> Use | Refused:
    with box.store.write() as unit:
        return box.leases.use(unit, lease, units, reason=reason)


def code(done: Use | Refused) -> str:
    return done.code if isinstance(done, Refused) else "used"


@pytest.mark.row("E05.1")
def test_reads_are_counted_with_the_line_cut_and_end_at_the_quota(box: Any, centre: Any) -> None:
    lease = granted(box)
    done = use(box, lease, 2)
    assert isinstance(done, Use) and (done.lease, done.left) == ((lease, 2), 1)
    assert done.keys == (b"page key of ward 12",)
    assert code(use(box, lease, 2)) == "lease.quota"
    assert code(use(box, lease)) == "used"
    assert code(use(box, lease)) == "lease.unknown"
    box.deliver()
    with centre.store.read() as conn:
        row = hub_tables.by_id(conn, lease)
        assert not hub_tables.reviews(conn)
    assert row is not None and (row.state, row.used) == ("closed", 3)


@pytest.mark.row("E05.1")
def test_the_term_ends_offline_and_takes_keys_and_scope_along(box: Any) -> None:
    lease = granted(box, lasts_s=600)
    label = f"grant:{lease.hex()}"
    assert label in {cursor.label for cursor in down.cursors(box.store)}
    box.pass_time(590)
    assert code(use(box, lease)) == "used"
    box.pass_time(20)
    assert label not in {cursor.label for cursor in down.cursors(box.store)}
    with box.store.read() as conn:
        state, raw = conn.execute("SELECT state, raw FROM lease WHERE id = ?", (lease,)).fetchone()
    assert (state, raw) == ("closed", b"")
    assert code(use(box, lease)) == "lease.unknown"
    assert not down.set_scopes(box.store, 9, ["site", label]) or label not in {c.label for c in down.cursors(box.store)}


@pytest.mark.row("E05.2")
@pytest.mark.parametrize("wrong_s", [-86_400, -50 * 365 * 86_400, 50 * 365 * 86_400], ids=["a day", "1970", "2076"])
def test_a_wrong_clock_puts_grants_to_sleep_and_wins_nothing(box: Any, wrong_s: int) -> None:
    lease = granted(box)
    assert code(use(box, lease)) == "used"
    box.clock.wrong_ms = wrong_s * 1000
    # A clock that is ahead and can be true spends nothing within a boot; set right again, it was set back.
    assert code(use(box, lease)) == ("used" if wrong_s > 0 else "lease.asleep")
    box.clock.wrong_ms = 0
    assert code(use(box, lease)) == "lease.asleep"
    box.leases.look()
    box.talk()
    (held,) = box.leases.listing()
    assert held.state == "usable" and held.used >= 1
    box.pass_time(3600)
    assert not box.leases.listing()


@pytest.mark.row("E05.2")
def test_a_reboot_spends_a_minute_and_what_the_wall_clock_says(box: Any) -> None:
    granted(box, lasts_s=600)
    box.reboot()
    (held,) = box.leases.listing()
    assert (held.state, held.spent_s(box.leases.meter_ms())) == ("usable", 60)
    box.reboot(off_s=500)
    assert [held.spent_s(box.leases.meter_ms()) for held in box.leases.listing()] == [560]
    box.reboot(off_s=10)
    assert not box.leases.listing()


@pytest.mark.row("E05.2")
def test_a_reboot_into_the_past_sleeps(box: Any) -> None:
    lease = granted(box)
    box.clock.wrong_ms = -1_000_000
    box.reboot()
    assert code(use(box, lease)) == "lease.asleep"


@pytest.mark.row("E05.2")
def test_a_database_that_is_put_back_finds_the_count_in_the_witness(box: Any) -> None:
    lease = granted(box)
    copy = box.back_up()
    assert code(use(box, lease, 2)) == "used"
    box.pass_time(120)
    box.put_back(copy)
    (held,) = box.leases.listing()
    assert (held.state, held.used, held.spent_s(box.leases.meter_ms())) == ("usable", 2, 120)


@pytest.mark.row("E05.2")
def test_a_database_from_before_the_grant_does_not_get_it_anew(box: Any) -> None:
    copy = box.back_up()
    lease = granted(box)
    assert code(use(box, lease, 2)) == "used"
    box.put_back(copy)
    assert not box.leases.listing()
    box.greet()
    (held,) = box.leases.listing()
    assert (held.used, held.left) == (2, 1)


@pytest.mark.row("E05.2")
@pytest.mark.parametrize("what", ["gone", "cut", "another box's", "behind"])
def test_without_a_witness_that_can_be_believed_a_grant_sleeps(box: Any, new_box: Any, what: str) -> None:
    lease = granted(box)
    old = box.witness.read_bytes()
    assert code(use(box, lease)) == "used"
    if what == "gone":
        box.witness.unlink()
    elif what == "cut":
        box.witness.write_bytes(box.witness.read_bytes()[:-1])
    elif what == "behind":
        box.witness.write_bytes(old)
    else:
        other = new_box("records-cccccccc")
        granted_there = other.centre.office.grant(
            other.centre.node(other.name), Wish(words.READ, RECORDS, 3, 60, 60), "u-admin"
        )
        other.hear(granted_there)
        box.witness.write_bytes(other.witness.read_bytes())
    box.restart()
    assert [held.state for held in box.leases.listing()] == ["asleep"]
    box.restart()
    assert code(use(box, lease)) == "lease.asleep", "a new file vouches for nothing that slept"
    box.greet()
    box.talk()
    assert [(held.state, held.used) for held in box.leases.listing()] == [("usable", 1)]


@pytest.mark.row("E05.2")
def test_two_copies_that_spend_the_same_units_are_found(box: Any, centre: Any) -> None:
    lease = granted(box)
    copy = box.back_up(witness=True)
    assert code(use(box, lease, 2)) == "used"
    box.deliver()
    box.put_back(copy)
    assert code(use(box, lease, 2)) == "used", "both rolled back together, and no line: the bound is quota x copies"
    box.deliver()
    with centre.store.read() as conn:
        assert {review.code for review in hub_tables.reviews(conn)} == {"unit-twice", "over-quota"}


class Cut(BaseException):
    """The process is gone."""


@pytest.mark.row("E05.2")
@pytest.mark.parametrize("place", ["lease.witness:before", "lease.witness:after", "act:before", "act:after"])
def test_a_cut_at_each_step_of_a_use_costs_a_unit_at_most_and_shows_none(box: Any, place: str) -> None:
    lease = granted(box, units=5)

    def cut(at: str) -> None:
        if at == place:
            raise Cut

    box.point = cut
    with pytest.raises(Cut):
        use(box, lease)
    box.point = lambda at: None
    box.restart()
    (held,) = box.leases.listing()
    assert (held.state, held.used) == ("usable", 0 if place == "lease.witness:before" else 1)


def test_a_witness_that_cannot_be_written_shows_nothing(box: Any) -> None:
    lease = granted(box)

    def full(at: str) -> None:
        if at == "lease.witness:before":
            raise OSError(28, "no space")

    box.point = full
    with pytest.raises((Unavailable, OSError)):
        use(box, lease)
    box.point = lambda at: None
    assert [held.used for held in box.leases.listing()] == [0]


@pytest.mark.row("E05.1")
def test_a_raised_epoch_puts_grants_to_sleep_until_the_hub_adopts_them(box: Any, centre: Any) -> None:
    copy = centre.back_up()
    lease = granted(box)
    assert code(use(box, lease)) == "used"
    centre.put_back(copy)
    centre.epochs.above(1)
    with centre.store.read() as conn:
        assert hub_tables.by_id(conn, lease) is None
    box.leases.doubt(EPOCH_RISES)
    assert code(use(box, lease)) == "lease.asleep"
    box.talk()
    assert [(held.state, held.used) for held in box.leases.listing()] == [("usable", 1)]
    with centre.store.read() as conn:
        row = hub_tables.by_id(conn, lease)
    assert row is not None and (row.state, row.used) == ("open", 1)


@pytest.mark.row("E05.1")
def test_what_an_administrator_takes_back_is_gone_with_its_keys(box: Any, centre: Any) -> None:
    lease = granted(box)
    done = centre.office.void(lease, "u-admin")
    assert not isinstance(done, Refused)
    box.hear(done[1])
    assert code(use(box, lease)) == "lease.unknown"
    assert f"grant:{lease.hex()}" not in centre.node().scopes
    assert isinstance(centre.office.void(lease, "u-admin"), Refused)


def test_an_old_word_brings_nothing_back(box: Any, centre: Any) -> None:
    wish = Wish(words.READ, RECORDS, 3, 3600, 3600)
    raw = centre.office.grant(centre.node(), wish, "u-admin")
    box.hear(raw)
    lease = box.leases.usable(words.READ, RECORDS)[0].id
    assert code(use(box, lease, 3)) == "used"
    box.leases.look()
    box.hear(raw)
    assert not box.leases.listing()
    box.pass_time(4000)
    box.hear(raw)
    assert not box.leases.listing()


def test_asked_for_reads_wait_for_a_person(box: Any, centre: Any) -> None:
    said = box.leases.ask(words.READ, RECORDS, 5, 600, actor="u-1", role="ward", purpose="round")
    assert said.code == "lease.asked"
    box.ask()
    said = box.leases.ask(words.READ, RECORDS, 5, 600, actor="u-1", role="ward", purpose="round")
    assert said.code == "lease.waits-approval"
    with centre.store.read() as conn:
        (row,) = hub_tables.of_node(conn, box.name, (hub_tables.ASKED,))
    asked = row.ask()
    wish = Wish(asked.kind, asked.resource, asked.units, asked.lasts_s, asked.lasts_s, asked.actor)
    box.hear(centre.office.grant(centre.node(), wish, "u-admin", row.id))
    assert [lease.quota for lease in box.leases.usable(words.READ, RECORDS)] == [5]
    assert box.leases.next_s() is None
    assert isinstance(centre.office.refuse(row.id, "u-admin"), Refused)


@pytest.mark.row("E05.4")
def test_break_glass_wants_a_reason_is_small_and_is_reviewed(box: Any, centre: Any) -> None:
    box.leases.ask(words.GLASS, RECORDS, 99, 9_999_999, actor="u-1", role="ward", purpose=" ")
    box.ask()
    assert not box.leases.listing()
    box.leases.ask(words.GLASS, RECORDS, 99, 9_999_999, actor="u-1", role="ward", purpose="arrest in bed 4")
    box.ask()
    (lease,) = box.leases.usable(words.GLASS, RECORDS)
    assert (lease.quota, lease.lasts_s) == (5, 3600)
    assert code(use(box, lease.id)) == "lease.reason-missing"
    assert code(use(box, lease.id, reason="arrest in bed 4")) == "used"
    box.deliver()
    with centre.store.read() as conn:
        found = hub_tables.reviews(conn)
    assert [review.code for review in found] == ["break-glass-asked", "break-glass"]
    with centre.store.write() as unit:
        assert hub_tables.settle_review(unit.conn, found[0].about, found[0].code, "u-admin")
        assert not hub_tables.settle_review(unit.conn, found[0].about, found[0].code, "u-admin")


def test_another_machines_lease_is_refused(box: Any, new_box: Any, centre: Any) -> None:
    other = new_box("records-cccccccc")
    raw = centre.office.grant(centre.node(other.name), Wish(words.READ, RECORDS, 3, 60, 60), "u-admin")
    from sync.kernel.outcome import PeerFault

    with pytest.raises(PeerFault):
        box.hear(raw)
    assert not box.leases.listing()


def test_a_grant_that_nobody_ends_ends_at_the_hub(box: Any, centre: Any) -> None:
    lease = granted(box, lasts_s=60)
    centre.clock.true_s += 61
    centre.office.tidy()
    assert f"grant:{lease.hex()}" not in centre.node().scopes
    with centre.store.read() as conn:
        row = hub_tables.by_id(conn, lease)
    assert row is not None and row.state == "closed"


@pytest.mark.row("E05.2")
def test_a_machine_with_two_pasts_loses_what_it_counted(box: Any, centre: Any) -> None:
    lease = granted(box)
    box.leases.want_numbers("ticket:hall-1", 10)
    box.talk()
    with centre.store.write() as unit:
        set_node_state(unit, box.name, "rewound")
    box.greet()
    assert [held.lease.kind for held in box.leases.listing()] == [words.NUMBER, words.NUMBER]
    assert code(use(box, lease)) == "lease.unknown"
    assert f"grant:{lease.hex()}" not in centre.node().scopes
    box.leases.ask(words.GLASS, RECORDS, 1, 60, actor="u-1", role="ward", purpose="arrest")
    box.ask()
    assert box.leases.ask(words.GLASS, RECORDS, 1, 60, actor="u-1", role="ward", purpose="x").code == "lease.node-shut"
