"""A courier's round on the real store: open, scan, undo, count, confirm; paper ordered with the facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance.features.collecting.scan import Scanner, Verdict
from appliance.features.collecting.service import Collecting
from appliance.features.collecting.store import RoundProjector, RoundRow, TakenRow
from appliance.store.custody import CustodyProjector
from appliance.store.print_jobs import PrintJobs
from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.adapters.sqlite_log.node_store import Unit
from sync.domain.patients import facts as patients
from sync.domain.tracking import facts
from sync.domain.tracking.handover import Confirmer
from sync.kernel.fact import NewFact
from sync.kernel.outcome import Refused

NODE = "courier-aaaaaaaa"


@dataclass
class Box:
    store: ApplianceStore
    scanner: Scanner
    collecting: Collecting
    jobs: PrintJobs
    heard: list[Verdict] = field(default_factory=list)


def listed(store: ApplianceStore, key: str, ward: str, name: str, initials: str) -> None:
    """Put a due record on this box as if its feeds had brought it (the hub's words, this box's log)."""
    number, stay = facts.split_stay_key(key)
    store.role = "hub"
    with store.write() as unit:
        unit.append(facts.opened(key, ward=ward, admitted_on="2026-11-01", event_at_ms=1, control="a"))
        unit.append(facts.discharged(key, ward=ward, discharged_on="2026-11-17", event_at_ms=2, control="b"))
        unit.append(
            NewFact(
                patients.LISTED,
                patients.DUE,
                key,
                {1: name, 2: "F", 3: ward, 4: "2026-11-17", 5: number, 6: stay, 7: initials},
            )
        )
    store.role = "courier"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    jobs = PrintJobs()
    store = ApplianceStore(
        tmp_path / "node.db",
        bytes(32),
        node=NODE,
        role="courier",
        clock=SystemClock(),
        entropy=SeededEntropy(1),
        projectors=[CustodyProjector(), RoundProjector(), jobs],
    )
    store.start_incarnation("test")
    jobs.bind(store)
    heard: list[Verdict] = []
    scanner = Scanner(store, ("QL",), heard.append)

    def order(unit: Unit, row: RoundRow, went: list[TakenRow], copy_no: int) -> str:
        return jobs.order(
            unit,
            printer="receipt-printer",
            what="receipt",
            ref=row.key,
            copy_no=copy_no,
            payload=f"{len(went)} records".encode(),
        )

    badges = {
        "WB-1": Confirmer("u-song", "W01", frozenset({"handover.confirm"})),
        "WB-2": Confirmer("u-other", "W02", frozenset({"handover.confirm"})),
    }
    collecting = Collecting(store, scanner, prefixes=("QL",), find=badges.get, order_receipt=order)
    listed(store, "00731846-2", "W01", "仇建国", "QJG")
    listed(store, "00731779-1", "W01", "欧阳静姝", "OYJS")
    listed(store, "00730388-1", "W07", "A. Wojciechowska", "AW")
    with store.write() as unit:
        unit.conn.execute("INSERT INTO cursor (label, epoch, sseq, e, head_at) VALUES ('ward:W01', 1, 1, x'00', 5)")
    yield Box(store, scanner, collecting, jobs, heard)
    store.close()


@pytest.mark.row("F10.1")
def test_a_round_from_list_to_receipt(box: Box) -> None:
    key = box.collecting.open_round("W01", "u-luo")
    assert isinstance(key, str)
    assert [due.key for due in box.collecting.due("W01")] == ["00731779-1", "00731846-2"]
    assert box.scanner.scan("QL00731846", "gun-1").verdict == "good"
    assert box.scanner.scan("QL00731846", "gun-1").verdict == "duplicate"
    wrong = box.scanner.scan("00730388-1", "gun-1")
    assert (wrong.verdict, wrong.ward, wrong.n) == ("wrong_ward", "W07", 2)
    assert wrong.fact is not None and wrong.key is not None
    assert box.collecting.give_reason(wrong.key, wrong.fact, "moved-lately", None, "u-luo") is None
    undone = box.collecting.undo_last("u-luo")
    assert undone == wrong.fact
    assert box.collecting.count(key, 2, "u-luo") is None
    counts = box.collecting.counts(key)
    assert counts is not None and (counts.expected, counts.scanned, counts.by_hand) == (2, 1, 2)
    assert {d.code for d in counts.differences} == {"not-scanned", "count-differs"}
    job = box.collecting.confirm(key, "WB-1", "u-luo")
    assert isinstance(job, str)
    assert box.jobs.take_next("receipt-printer").payload == b"1 records"  # type: ignore[union-attr]
    assert box.scanner.scan("00731779", "gun-1").refused == Refused("scan.no-round")
    again = box.collecting.reprint(key, "u-luo")
    assert isinstance(again, str)
    assert box.jobs.job(again).copy_no == 1  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("badge", "counted", "code"),
    [
        ("WB-9", True, "handover.badge-unknown"),
        ("WB-2", True, "handover.badge-other-ward"),
        ("WB-1", False, "handover.count-missing"),
    ],
)
@pytest.mark.row("F10.10")
def test_a_badge_that_cannot_sign_has_its_sentence(box: Box, badge: str, counted: bool, code: str) -> None:
    key = box.collecting.open_round("W01", "u-luo")
    assert isinstance(key, str)
    if counted:
        box.collecting.count(key, 0, "u-luo")
    refused = box.collecting.confirm(key, badge, "u-luo")
    assert isinstance(refused, Refused) and refused.code == code
    assert box.scanner.hand is not None, "a refused badge leaves the round open"


@pytest.mark.row("A05.10")
def test_what_cannot_be_a_code_is_only_counted(box: Box) -> None:
    box.collecting.open_round("W01", "u-luo")
    with box.store.read() as conn:
        before = conn.execute("SELECT count(*) FROM log").fetchone()[0]
    for text in ("<script>", "'; DROP TABLE log; --", "A" * 10_000_000, "\x00\x01", ""):
        assert box.scanner.scan(text).verdict == "refused"
    with box.store.read() as conn:
        assert conn.execute("SELECT count(*) FROM log").fetchone()[0] == before
        assert conn.execute("SELECT sum(n) FROM tally").fetchone()[0] == 5


@pytest.mark.row("F10.8")
def test_hand_entry_asks_for_the_initials(box: Box) -> None:
    box.collecting.open_round("W01", "u-luo")
    assert box.collecting.enter_by_hand("0073 1846", "QJG", "u-luo") == Refused("code.characters")
    assert box.collecting.enter_by_hand("00731846", "XX", "u-luo") == Refused("hand.initials")
    taken = box.collecting.enter_by_hand("00731846", "qjg", "u-luo")
    assert isinstance(taken, Verdict) and taken.verdict == "good"


@pytest.mark.row("F10.9")
def test_back_fill_keeps_the_claimed_time(box: Box) -> None:
    key = box.collecting.open_round("W01", "u-luo")
    assert isinstance(key, str)
    taken = box.collecting.backfill("00731846", 1_700_000_000_000, "u-luo")
    assert isinstance(taken, Verdict) and taken.fact is not None
    found = box.collecting.round(key)
    assert found is not None and [(t.how, t.at_ms) for t in found[1]] == [("backfill", 1_700_000_000_000)]


def test_a_verdict_is_told_before_the_line_or_anybody_else_hears_of_its_commit(box: Box) -> None:
    box.collecting.open_round("W01", "u-luo")
    told_then: list[int] = []
    box.store.listen(lambda changes: told_then.append(len(box.heard)))
    verdict = box.scanner.scan("QL00731846", "gun-1")
    assert verdict.n == 1 and box.heard[-1] is verdict
    assert told_then == [len(box.heard)]
    assert box.scanner.scan("QL00731846", "gun-1").n == 1, "a record counts once"


def test_a_second_gun_that_comes_before_the_rounds_set_is_told_hears_duplicate_by_the_stay_itself(box: Box) -> None:
    key = box.collecting.open_round("W01", "u-luo")
    assert isinstance(key, str)
    assert box.scanner.scan("QL00731846", "gun-1").verdict == "good"
    box.scanner._round.keys.clear()
    assert box.scanner.scan("QL00731846", "gun-2").verdict == "duplicate"
    found = box.collecting.round(key)
    assert found is not None and [taken.key for taken in found[1]] == ["00731846-2"]
