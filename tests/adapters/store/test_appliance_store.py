"""A box's store on a real SQLCipher file: durable, folded at once, in one chain."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.adapters.sqlite_log import outbox
from sync.adapters.sqlite_log.appliance_store import ApplianceStore
from sync.domain.tracking import facts
from sync.kernel.chain import Chain
from sync.kernel.codec import decode_fact
from sync.kernel.outcome import Unavailable
from sync.kernel.suite import suite1

KEY = bytes(range(32))
NODE = "courier-aaaaaaaa"


def open_store(path: Path, seed: int = 1, key: bytes = KEY) -> ApplianceStore:
    store = ApplianceStore(
        path / "node.db", key, node=NODE, role="courier", clock=SystemClock(), entropy=SeededEntropy(seed)
    )
    store.start_incarnation("test")
    return store


def scan(key: str, n: int = 1) -> facts.NewFact:
    return facts.collected(
        key,
        round_key=f"{NODE}.00000001",
        ward="W01",
        verdict="good",
        how="gun",
        read_no=key.split("-")[0],
        at_ms=1000 + n,
        list_as_of_ms=0,
    )


@pytest.mark.row("F10.4")
def test_a_scan_is_folded_and_survives_a_restart(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with store.write(actor="u-luo", device="gun-1") as unit:
        fid = unit.append(scan("00731846-2"))
    store.close()
    again = open_store(tmp_path, seed=2)
    stay = again.state(facts.STAY, "00731846-2")
    assert stay is not None and stay.state == "collected"
    assert stay.collections[0].fact == fid and stay.collections[0].who == "u-luo"
    again.close()


def test_a_failed_unit_leaves_nothing(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with pytest.raises(ZeroDivisionError), store.write() as unit:
        unit.append(scan("00731846-2"))
        raise ZeroDivisionError
    assert store.state(facts.STAY, "00731846-2") is None
    with store.write() as unit:
        fid = unit.append(scan("00731847-1"))
    assert fid.seq == 2, "the opening of the live lane is 1; the failed unit took no number"
    store.close()


def test_every_link_of_the_chain_holds_over_restarts(tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        store = open_store(tmp_path, seed)
        with store.write() as unit:
            for n in range(5):
                unit.append(scan(f"00731{seed}{n}0-1", n))
        with store.read() as conn:
            for stream, node, incarnation, lane in conn.execute(
                "SELECT id, node, incarnation, lane FROM stream"
            ).fetchall():
                h = bytes(32)
                rows = conn.execute("SELECT seq, h, fact FROM log WHERE stream = ? ORDER BY seq", (stream,)).fetchall()
                for at, (seq, kept, raw) in enumerate(rows, 1):
                    h = Chain(suite1.hasher, node, incarnation, lane).link(seq, h, suite1.hash(raw))
                    assert (seq, kept) == (at, h)
        store.close()


def test_an_opening_names_what_this_disk_held_before(tmp_path: Path) -> None:
    first = open_store(tmp_path, 1)
    with first.write() as unit:
        unit.append(scan("00731846-2"))
    heads = {(s.incarnation, s.lane): s.last for s in outbox.own_streams(first)}
    first.close()
    second = open_store(tmp_path, 2)
    with second.read() as conn:
        raw = conn.execute(
            "SELECT l.fact FROM log l JOIN stream s ON s.id = l.stream WHERE s.incarnation = ? "
            "AND s.lane = 0 AND l.seq = 1",
            (second.incarnation,),
        ).fetchone()[0]
    body = decode_fact(raw).body
    assert {(h[0], h[1]): h[2] for h in body[2]} == heads
    assert body[1] == first.incarnation and body[3] == 2
    second.close()


@pytest.mark.row("H35.8")
def test_stamps_never_repeat_and_a_wrong_clock_refuses_nothing(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    class Wrong(SystemClock):
        def wall_ms(self) -> int:
            return 86_400_000

    with store.write() as unit:
        unit.append(scan("00731846-2"))
    store.clock = Wrong()
    with store.write() as unit:
        unit.append(scan("00731847-2"))
    with store.read() as conn:
        stamps = [decode_fact(r[0]) for r in conn.execute("SELECT fact FROM log ORDER BY stream, seq")]
    assert [f.clock for f in stamps] == [1, 1, 1, 0]
    assert len({f.hlc for f in stamps}) == 4 and stamps[-1].hlc > stamps[-2].hlc
    store.close()


@pytest.mark.row("H35.5")
def test_the_file_opens_with_its_key_alone_and_holds_nothing_in_clear(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with store.write() as unit:
        unit.append(scan("00731846-2"))
    store.close()
    assert b"00731846" not in (tmp_path / "node.db").read_bytes()
    with pytest.raises(Unavailable):
        open_store(tmp_path, key=bytes(32))


def test_a_rejected_fact_is_set_aside_also_on_a_disk_that_was_put_back(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with store.write(actor="u-luo") as unit:
        fid = unit.append(scan("00731846-2"))
    mark = outbox.Mark(fid.incarnation, fid.lane, fid.seq + 5, bytes(32), 0, ((fid.seq, "fact.role", 1),), 0)
    [outcome] = outbox.apply_marks(store, [mark], 1, b"ack", welcome=False)
    assert outcome.trouble == "rewound"
    assert store.state(facts.STAY, "00731846-2") is None
    store.close()


def test_a_backlog_is_told_in_bytes_without_reading_all_of_it(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with store.read() as conn:
        opening = outbox.backlog_bytes(conn)
    for n in range(3):
        with store.write() as unit:
            for k in range(outbox.SAMPLE_FACTS):
                unit.append(scan(f"{10_000_000 + 100 * n + k}-1"))
    with store.read() as conn:
        real = conn.execute("SELECT sum(length(fact)) FROM log").fetchone()[0]
        told = outbox.backlog_bytes(conn)
    assert opening > 0 and abs(told - real) <= real // 20
    with store.write() as unit:
        unit.conn.execute("UPDATE stream SET acked = last")
    with store.read() as conn:
        assert outbox.backlog_bytes(conn) == 0, "an idle greeting stays as small as it was"
    store.close()
