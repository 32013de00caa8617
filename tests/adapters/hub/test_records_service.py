"""Records through their life at the hub: collected, received, disputed, settled, counted, rebuilt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from hub.boot import Hub
from hub.features.records.store import Wanted
from hub.projections import folded_projectors
from sync.adapters.sqlite_log.digest import history
from sync.adapters.sqlite_log.hub_inbound import Arrival, accept
from sync.adapters.sqlite_log.hub_store import add_node
from sync.adapters.sqlite_log.node_store import Change
from sync.catalog import ENTITY_TYPES
from sync.domain.patients.facts import DUE
from sync.domain.tracking import facts
from sync.kernel import chain, hlc
from sync.kernel.canonical import decode
from sync.kernel.codec import encode_fact
from sync.kernel.fact import Fact, NewFact
from sync.kernel.ids import LIVE, StreamId
from sync.kernel.outcome import Refused
from sync.kernel.suite import suite1
from tests.adapters.hub.conftest import NOON
from tests.adapters.hub.helpers import bring

LIST = (
    "病案号,住院次数,姓名,性别,病区,入院日期,出院日期\n"
    "00731846,2,仇玉兰,女,W12,2026-11-01,2026-11-17\n"
    "00731847,1,欧阳䶮,男,W12,2026-11-02,2026-11-13\n"
).encode()
KEY, OTHER = "00731846-2", "00731847-1"
MINUTE = 60_000


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def store_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def collected(hub: Hub, key: str, verdict: str = "good", at_ms: int = NOON - MINUTE, how: str = "gun") -> NewFact:
    return facts.collected(
        key,
        round_key=f"{hub.store.node}.0000000a",
        ward="W12",
        verdict=verdict,
        how=how,
        read_no=key.split("-")[0],
        at_ms=at_ms,
        list_as_of_ms=NOON - 60 * MINUTE,
    )


def write(hub: Hub, actor: str, *new: NewFact) -> None:
    """As if a machine had sent them: the hub may write collections, and the digest treats all alike."""
    with hub.store.write(actor=actor) as unit:
        for one in new:
            unit.append(one)
    hub.desk.settle()


def arrive(hub: Hub, node: str, new: NewFact, written_ms: int, clock: int = 1) -> None:
    """A courier's fact as the door hands it over, written then and delivered now."""
    raw = encode_fact(Fact(new.kind, 1, new.etype, new.key, new.body, hlc.stamp_of(written_ms), clock, "u-luo"))
    with hub.store.write() as unit:
        add_node(
            unit, node=node, role="courier", name="手持机 H-04", signing_public=bytes(32), sealing_public=bytes(32),
            key_id=node.encode()[:8], scopes=["site"], tls_serial=None, now_ms=NOON,
        )  # fmt: skip
    stream = StreamId(node, 7, LIVE)
    hashes = chain.Chain(suite1.hasher, *stream).extend(1, bytes(32), [suite1.hash(raw)])
    accept(hub.store, Arrival(stream, 1, bytes(32), [raw], frozenset(), hashes, bytes(224), raw))
    hub.desk.settle()


@pytest.fixture
def hub(make_hub: Callable[[], Hub]) -> Hub:
    made = make_hub()
    bring(made, LIST)
    return made


def opaque(hub: Hub, number: str) -> str:
    rows, total = hub.records.find(Wanted(text=number))
    assert total == 1
    return rows[0][0].opaque


@pytest.mark.row("F10.17")
@pytest.mark.row("A05.2")
def test_the_board_follows_each_step(hub: Hub) -> None:
    board = hub.records.board()
    assert (board.waiting, board.late, board.questions) == (2, 2, 0)
    write(hub, "u-luo", collected(hub, KEY))
    board = hub.records.board()
    assert (board.waiting, board.counts) == (1, {"collected": 1, "discharged": 1})
    assert hub.records.find(Wanted(state="collected"))[1] == 1
    assert hub.records.find(Wanted(state="discharged", ward="W12"))[1] == 1


@pytest.mark.row("F14.2")
@pytest.mark.row("A05.3")
def test_the_log_tells_when_the_centre_knew(hub: Hub) -> None:
    then = NOON - 43 * MINUTE
    arrive(hub, "courier-aaaaaaaa", collected(hub, KEY, at_ms=then), then)
    record = hub.records.record(opaque(hub, KEY))
    assert record is not None
    entry = next(one for one in record.log if one.kind == facts.COLLECTED)
    assert (entry.who, entry.node, entry.at_ms, entry.late) == ("u-luo", "courier-aaaaaaaa", then, True)
    assert 42 * MINUTE < entry.known_ms - entry.at_ms < 60 * MINUTE
    assert [(one.name, one.state) for one in record.stations] == [
        ("discharged", "done"), ("listed", "done"), ("collected", "late"), ("received", "todo"), ("labelled", "todo"),
    ]  # fmt: skip


def test_a_backfilled_act_was_not_cut_off(hub: Hub) -> None:
    write(hub, "u-luo", collected(hub, KEY, at_ms=NOON - 300 * MINUTE, how="backfill"))
    record = hub.records.record(opaque(hub, KEY))
    assert record is not None
    entry = next(one for one in record.log if one.kind == facts.COLLECTED)
    assert (entry.at_ms, entry.late) == (NOON - 300 * MINUTE, False)


@pytest.mark.row("H35.8")
@pytest.mark.parametrize("then", [0, 4_102_444_800_000])
def test_a_wrong_clock_is_said_and_not_taken_for_a_cut_line(hub: Hub, then: int) -> None:
    arrive(hub, "courier-aaaaaaaa", collected(hub, KEY, at_ms=then), then, clock=0)
    record = hub.records.record(opaque(hub, KEY))
    assert record is not None and record.row.state == "collected"
    entry = next(one for one in record.log if one.kind == facts.COLLECTED)
    assert not entry.late and entry.note is not None


@pytest.mark.row("F14.3")
@pytest.mark.row("F10.19")
def test_two_couriers_are_a_question_and_settling_keeps_both(hub: Hub) -> None:
    write(hub, "u-luo", collected(hub, KEY))
    write(hub, "u-gu", collected(hub, KEY, at_ms=NOON))
    asked = hub.records.questions(still_open=True)
    assert [one.code for one in asked] == ["collected.twice"]
    assert hub.records.settle(asked[0].id, "returned", "", "u-wen") == Refused("anomaly.outcome")
    assert hub.records.settle(asked[0].id, "kept-second", "后一位拿着", "u-wen") is None
    assert hub.records.questions(still_open=True) == []
    again = hub.records.settle(asked[0].id, "kept-first", "", "u-wen")
    assert isinstance(again, Refused) and again.code == "anomaly.settled"
    record = hub.records.record(opaque(hub, KEY))
    assert record is not None and record.row.collected_by == "u-gu"
    assert len([one for one in record.log if one.kind == facts.COLLECTED]) == 2


def test_two_spellings_of_a_name_are_a_question_and_a_person_chooses(hub: Hub) -> None:
    bring(hub, LIST.replace("仇玉兰".encode(), "仇玉澜".encode()))
    asked = hub.records.questions(still_open=True)
    assert [one.code for one in asked] == ["name.differs"]
    found = hub.records.question(asked[0].id)
    assert found is not None
    assert hub.records.outcomes(found[0], found[2]) == ("name:0", "name:1")
    assert hub.records.settle(asked[0].id, "name:7", "", "u-wen") == Refused("anomaly.outcome")
    assert hub.records.settle(asked[0].id, "name:1", "", "u-wen") is None
    assert hub.records.questions(still_open=True) == []
    due = hub.store.state(DUE, KEY)
    assert due is not None and due.names == (found[2].names[1],)


def test_collecting_what_the_hub_sealed_is_a_question(hub: Hub) -> None:
    assert hub.records.seal(opaque(hub, KEY), True, "医疗争议", "u-lu") is None
    write(hub, "u-luo", collected(hub, KEY))
    assert [one.code for one in hub.records.questions(still_open=True)] == ["collected.sealed"]


def test_a_record_unknown_to_every_list_closes_its_question_when_the_list_comes(hub: Hub) -> None:
    write(hub, "u-luo", collected(hub, "00990000-1", verdict="unknown"))
    assert [one.code for one in hub.records.questions(still_open=True)] == ["stay.unknown"]
    bring(hub, LIST + "00990000,1,某人,男,W12,,2026-11-18\n".encode())
    assert hub.records.questions(still_open=True) == []


@pytest.mark.row("A05.4")
def test_figures_by_ward_courier_and_day(hub: Hub) -> None:
    write(hub, "u-luo", collected(hub, KEY), collected(hub, OTHER, how="backfill"))
    figures = hub.statistics.figures(date(2026, 11, 1), date(2026, 11, 20))
    total = figures.total
    assert (total.collected, total.judged, total.on_time, total.backfilled, total.waiting) == (2, 2, 0, 1, 0)
    assert [(one.key, one.collected) for one in figures.couriers] == [("u-luo", 2)]
    assert [(one.key, one.collected) for one in figures.days] == [("2026-11-20", 2)]
    assert hub.calendars.set_ward("W12", "心内二病区", "Cardiology 2", 3, "u-lu") is None
    figures = hub.statistics.figures(date(2026, 11, 1), date(2026, 11, 20))
    assert (figures.wards[0].on_time, figures.wards[0].rate) == (1, 50.0)


@pytest.mark.row("F10.18")
def test_a_day_set_at_the_hub_counts_in_what_is_due(hub: Hub) -> None:
    def late() -> int:
        return hub.records.board().late

    assert late() == 2
    for day in ("2026-11-18", "2026-11-19", "2026-11-16", "2026-11-17"):
        assert hub.calendars.set_day(day, False, "停电检修", "u-lu") is None
    assert late() == 0


@pytest.mark.row("F14.1")
def test_a_rebuild_makes_the_same_rows(hub: Hub) -> None:
    write(hub, "u-luo", collected(hub, KEY))
    write(hub, "u-gu", collected(hub, KEY, at_ms=NOON))
    tables = [table for one in folded_projectors(b"") for table in getattr(one, "derived", ())]
    assert len(tables) == 8

    def content() -> dict[str, list[tuple[object, ...]]]:
        with hub.store.read() as conn:
            return {t: sorted((tuple(row) for row in conn.execute(f"SELECT * FROM {t}")), key=repr) for t in tables}

    before = content()
    with hub.store.write() as unit:
        for table in tables:
            unit.conn.execute(f"DELETE FROM {table}")
        for etype, key, state in unit.conn.execute("SELECT etype, key, state FROM entity").fetchall():
            hub.store.project(unit.conn, ENTITY_TYPES[etype].load(decode(state)), Change(etype, key, "rebuild"))
    assert content() == before


def test_every_fact_on_the_page_is_in_the_history(hub: Hub) -> None:
    write(hub, "u-luo", collected(hub, KEY))
    record = hub.records.record(opaque(hub, KEY))
    assert record is not None
    with hub.store.read() as conn:
        held = {fid for etype in (facts.STAY, DUE) for fid, *_ in history(conn, etype, KEY)}
    assert {one.fact for one in record.log} == held
