"""Lists and messages, from bytes to the due list, on a real store."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.boot import Hub
from sync.domain.patients.due import Due
from sync.domain.patients.facts import DUE
from sync.domain.tracking.facts import STAY
from sync.domain.tracking.state import Stay
from tests.adapters.hub.helpers import bring
from tests.waiting import until

HEAD = "病案号,住院次数,姓名,性别,病区,入院日期,出院日期\n"
ONE = "00731846,2,仇玉兰,女,W12,2026-11-01,2026-11-17\n"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def store_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def stay(hub: Hub, key: str) -> Stay:
    found = hub.store.state(STAY, key)
    assert isinstance(found, Stay)
    return found


def due(hub: Hub, key: str) -> Due:
    found = hub.store.state(DUE, key)
    assert isinstance(found, Due)
    return found


def facts(hub: Hub) -> int:
    with hub.store.read() as conn:
        return int(conn.execute("SELECT count(*) FROM log").fetchone()[0])


def message(event: str, control: str, at: str, number: str = "00990001", ward: str = "W12", more: str = "") -> bytes:
    return (
        f"MSH|^~\\&|HIS|XH|WAY|XH|{at}||ADT^{event}|{control}|P|2.5||||||UNICODE UTF-8\r"
        f"EVN|{event}|{at}\r"
        f"PID|1||{number}||单^雄信^^^^^L||19700101|M\r"
        f"PV1|1|I|{ward}||||||||||||||||1{more}\r"
    ).encode()


@pytest.mark.row("A05.7")
def test_a_list_becomes_discharges_and_due_lines(make_hub: Callable[[], Hub]) -> None:
    hub = make_hub()
    bring(hub, (HEAD + ONE).encode())
    assert (stay(hub, "00731846-2").state, stay(hub, "00731846-2").ward) == ("discharged", "W12")
    line = due(hub, "00731846-2")
    assert (line.status, line.name, line.initials, line.discharged_on) == ("open", "仇玉兰", "QYL", "2026-11-17")


def test_the_same_list_again_writes_nothing_of_a_patient(make_hub: Callable[[], Hub]) -> None:
    hub = make_hub()
    bring(hub, (HEAD + ONE).encode())
    with hub.store.read() as conn:
        before = conn.execute("SELECT count(*) FROM entity_fact WHERE etype IN (10, 11)").fetchone()[0]
    job = hub.imports.view(bring(hub, (HEAD + ONE).encode()))
    with hub.store.read() as conn:
        after = conn.execute("SELECT count(*) FROM entity_fact WHERE etype IN (10, 11)").fetchone()[0]
    assert before == after
    assert job is not None and (job.row.taken, job.row.unchanged) == (0, 1)


def test_a_corrected_list_moves_the_line_also_to_an_earlier_day(make_hub: Callable[[], Hub]) -> None:
    hub = make_hub()
    bring(hub, (HEAD + ONE).encode())
    bring(hub, (HEAD + ONE.replace("W12", "W07").replace("11-17", "11-16")).encode())
    line = due(hub, "00731846-2")
    assert (line.ward, line.discharged_on, line.status) == ("W07", "2026-11-16", "open")
    assert stay(hub, "00731846-2").discharged_on == "2026-11-16"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("00731847,1,某人,男,W12,,2026-11-21\n", "row.discharged-in-future"),
        ("7,1,某人,男,W12,,2026-11-17\n", "cell.record-no"),
        ("00731848,1,某人,男,W12,,2026-02-30\n", "cell.date-impossible"),
        ("00731848,1,,男,W12,,2026-02-20\n", "cell.missing"),
    ],
)
def test_a_bad_line_is_named_by_its_number_and_the_rest_goes_in(
    make_hub: Callable[[], Hub], line: str, code: str
) -> None:
    hub = make_hub()
    view = hub.imports.view(bring(hub, (HEAD + line + ONE).encode()))
    assert view is not None
    assert [(fault.line, fault.code) for fault in view.faults] == [(2, code)]
    assert (view.row.state, view.row.taken, view.row.faulty) == ("done", 1, 1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"x" * 100, "import.xls"),
        (b"<html>1,2</html>", "import.not-a-list"),
        (b"x" * (10 * 1024 * 1024 + 1), "import.too-large"),
        (b"PK\x03\x04broken", "import.broken"),
        (b"FHS|^~\\&\r", "import.no-messages"),
    ],
)
def test_a_bad_file_is_refused_with_a_code(make_hub: Callable[[], Hub], data: bytes, code: str) -> None:
    hub = make_hub()
    view = hub.imports.view(bring(hub, data))
    assert view is not None and (view.row.state, view.row.code) == ("refused", code)


def test_columns_that_nobody_can_guess_are_asked_for(make_hub: Callable[[], Hub]) -> None:
    hub = make_hub()
    data = ("甲,乙,丙,丁\n00731846,仇玉兰,W12,2026-11-17\n").encode()
    name = hub.imports.bring(data, "list.csv", "u-clerk", go=True)
    assert isinstance(name, str)

    def state() -> str:
        view = hub.imports.view(name)
        return view.row.state if view else ""

    until(lambda: state() == "mapping")
    chosen = {"record_no": 0, "name": 1, "ward": 2, "discharged_on": 3}
    assert hub.imports.map_columns(name, chosen) is None
    until(lambda: state() == "done")
    hub.desk.settle()
    assert due(hub, "00731846-0").status == "open"


def test_stopping_keeps_what_is_written(make_hub: Callable[[], Hub]) -> None:
    hub = make_hub()
    lines = "".join(f"{1000 + n:08d},1,某{n},男,W01,,2026-11-17\n" for n in range(3000))
    name = hub.imports.bring((HEAD + lines).encode(), "list.csv", "u-clerk", go=True)
    assert isinstance(name, str)

    def handled() -> int:
        view = hub.imports.view(name)
        return view.live.handled if view and view.live else 3000

    until(lambda: handled() > 0)
    hub.imports.halt(name)

    def ended() -> bool:
        view = hub.imports.view(name)
        return view is not None and view.row.ended_at is not None

    until(ended)
    view = hub.imports.view(name)
    assert view is not None and view.row.state == "stopped" and 0 < view.row.taken < 3000
    hub.desk.settle()
    assert hub.records.board().waiting == view.row.taken


class TestMessages:
    @pytest.mark.row("A05.8")
    def test_admission_discharge_cancellation_in_any_order(self, make_hub: Callable[[], Hub]) -> None:
        hub = make_hub()
        said = [
            message("A01", "1", "20261110090000"),
            message("A03", "2", "20261117100000"),
            message("A13", "3", "20261117110000"),
        ]
        for raw in reversed(said):
            assert b"MSA|AA|" in hub.imports.hl7.answer(raw)
        hub.desk.settle()
        assert stay(hub, "00990001-1").standing == "in_house"
        held = hub.store.state(DUE, "00990001-1")
        assert held is None or held.status != "open"

    @pytest.mark.row("A05.9")
    def test_a_cancelled_discharge_leaves_the_due_list_and_comes_back(self, make_hub: Callable[[], Hub]) -> None:
        hub = make_hub()
        hub.imports.hl7.answer(message("A03", "1", "20261117100000"))
        hub.desk.settle()
        assert due(hub, "00990001-1").status == "open"
        assert due(hub, "00990001-1").initials == "SXX"
        hub.imports.hl7.answer(message("A13", "2", "20261117110000"))
        hub.desk.settle()
        assert due(hub, "00990001-1").status == "withdrawn"
        hub.imports.hl7.answer(message("A03", "3", "20261118100000", ward="W07"))
        hub.desk.settle()
        assert (due(hub, "00990001-1").status, due(hub, "00990001-1").ward) == ("open", "W07")

    def test_a_replayed_message_is_answered_again_and_changes_nothing(self, make_hub: Callable[[], Hub]) -> None:
        hub = make_hub()
        raw = message("A03", "1", "20261117100000")
        hub.imports.hl7.answer(raw)
        hub.desk.settle()
        before = facts(hub)
        assert b"MSA|AA|1" in hub.imports.hl7.answer(raw)
        assert facts(hub) == before

    @pytest.mark.row("A05.9")
    def test_a_merge_leads_the_old_number_to_the_new(self, make_hub: Callable[[], Hub]) -> None:
        hub = make_hub()
        bring(hub, (HEAD + ONE).encode())
        raw = (
            "MSH|^~\\&|HIS|XH|WAY|XH|20261117100000||ADT^A40|9|P|2.5\rEVN|A40|20261117100000\r"
            "PID|1||00731846||仇^玉兰\rMRG|00990099\r"
        ).encode()
        assert b"MSA|AA|9" in hub.imports.hl7.answer(raw)
        hub.desk.settle()
        from hub.features.records.store import Wanted

        rows, total = hub.records.find(Wanted(text="00990099"))
        assert total == 1 and rows[0][0].record_no == "00731846"
        record = hub.records.record(rows[0][0].opaque)
        assert record is not None and record.merges.old == ("00990099",)

    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            (message("A03", "1", "20261117100000").replace(b"|P|2.5", b"|T|2.5"), b"AR"),
            (message("A99", "1", "20261117100000"), b"AR"),
            (message("A03", "1", "20261117100000", number=""), b"AE"),
            (message("A03", "1", "20261201100000"), b"AE"),
            (b"garbage", b"AR"),
            (b"\x00\xff" * 500, b"AR"),
        ],
    )
    def test_what_cannot_be_taken_is_answered_and_leaves_a_counter(
        self, make_hub: Callable[[], Hub], raw: bytes, code: bytes
    ) -> None:
        hub = make_hub()
        before = facts(hub)
        assert b"MSA|" + code in hub.imports.hl7.answer(raw)
        assert facts(hub) == before
        with hub.store.read() as conn:
            assert conn.execute("SELECT sum(n) FROM tally WHERE code LIKE 'hl7.%'").fetchone()[0] == 1
