"""Every state of a stream at the hub against everything that can come for it.

Source: protocol way/1, section 9, "Inbound stream"; a pair that the table leaves out changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from sync.adapters.clock import SystemClock
from sync.adapters.idgen import SeededEntropy
from sync.adapters.sqlite_log import hub_holes, hub_inbound, hub_orders
from sync.adapters.sqlite_log.database import Database
from sync.adapters.sqlite_log.hub_contact import Told, note_hellos
from sync.adapters.sqlite_log.hub_inbound import Arrival
from sync.adapters.sqlite_log.hub_store import HubStore, add_node, set_node_state
from sync.domain.fleet.facts import LOSS_REPORTED, STREAM
from sync.kernel.fact import Fact
from sync.kernel.ids import LIVE, StreamId, pad_node
from sync.protocol.hello import HelloStream

NODE, INCARNATION = "courier-aaaaaaaa", 7
STREAM_ID = StreamId(NODE, INCARNATION, LIVE)
OPEN, FROZEN, WAITING = 0, 1, 2


def history(name: str, fork_at: int = 0) -> list[tuple[bytes, bytes]]:
    """(item, h) of seq 1 to 12; `name` from `fork_at` on, the common past before."""
    prefix = b"way/1 fact\0" + pad_node(NODE) + INCARNATION.to_bytes(8, "big") + bytes((LIVE,))
    h, found = bytes(32), []
    for seq in range(1, 13):
        item = f"{name if seq >= fork_at else 'one'} {seq}".encode()
        h = sha256(prefix + seq.to_bytes(8, "big") + h + sha256(item).digest()).digest()
        found.append((item, h))
    return found


ONE, OTHER = history("one"), history("other", fork_at=3)


def batch(first: int, last: int, of: list[tuple[bytes, bytes]] = ONE) -> Arrival:
    prev = of[first - 2][1] if first > 1 else bytes(32)
    items, hashes = zip(*of[first - 1 : last], strict=True)
    return Arrival(STREAM_ID, first, prev, items, frozenset(), hashes, None, b"raw " + b" ".join(items))


COMES = {
    "from the first": batch(1, 5),
    "next": batch(6, 8),
    "overlap": batch(4, 8),
    "too early": batch(9, 10),
    "other hash": batch(3, 5, OTHER),
    "other past": batch(6, 8, OTHER),
}
SHUT = ("frozen", 5, FROZEN, 1)
CAME = {
    "new": {
        "from the first": ("appended", 5, OPEN, 0), "next": ("parked", 0, OPEN, 0), "overlap": ("parked", 0, OPEN, 0),
        "too early": ("parked", 0, OPEN, 0), "other hash": ("parked", 0, OPEN, 0), "other past": ("parked", 0, OPEN, 0),
    },
    "open": {
        "from the first": ("duplicate", 5, OPEN, 0), "next": ("appended", 8, OPEN, 0),
        "overlap": ("appended", 8, OPEN, 0), "too early": ("parked", 5, OPEN, 0),
        "other hash": ("equivocation", 5, FROZEN, 1), "other past": ("equivocation", 5, FROZEN, 1),
    },
    "holed": {
        "from the first": ("duplicate", 5, WAITING, 0), "next": ("appended", 8, WAITING, 0),
        "overlap": ("appended", 8, WAITING, 0), "too early": ("parked", 5, WAITING, 0),
        "other hash": ("equivocation", 5, FROZEN, 1), "other past": ("equivocation", 5, FROZEN, 1),
    },
    "holed, loss signed": {
        "from the first": ("duplicate", 5, OPEN, 0), "next": ("appended", 8, OPEN, 0),
        "overlap": ("appended", 8, OPEN, 0), "too early": ("appended", 10, OPEN, 0),
        "other hash": ("equivocation", 5, FROZEN, 1), "other past": ("equivocation", 5, FROZEN, 1),
    },
    "frozen": dict.fromkeys(COMES, SHUT),
    "closed": dict.fromkeys(COMES, SHUT),
    "of a node shut out": dict.fromkeys(COMES, ("shut-out", 5, OPEN, 1)),
}  # fmt: skip
"""State, what comes → (verdict, upto, state as told, batches kept as evidence by it)."""


@pytest.fixture
def hub(database: Database, tmp_path: Path) -> Iterator[HubStore]:
    store = HubStore(
        tmp_path / "hub.db", bytes(32), node="hub-aaaaaaaa", role="hub", clock=SystemClock(),
        entropy=SeededEntropy(1), database=database,
    )  # fmt: skip
    store.start_incarnation("test")
    with store.write() as unit:
        add_node(
            unit, node=NODE, role="courier", name=NODE, signing_public=bytes(32), sealing_public=bytes(32),
            key_id=bytes(8), scopes=(), tls_serial=None, now_ms=0,
        )  # fmt: skip
    yield store
    store.close()


def says(hub: HubStore, *, last: int, oldest_kept: int) -> None:
    stream = HelloStream(INCARNATION, LIVE, last, last, oldest_kept)
    note_hellos(hub, [Told(NODE, b"hello", "https", (stream,))])


def bring(hub: HubStore, state: str) -> None:
    """Five facts taken, then what makes the state, by the ways that make it in service."""
    if state == "new":
        return
    hub_inbound.accept(hub, batch(1, 5))
    if state.startswith("holed"):
        says(hub, last=10, oldest_kept=8)
    if state == "holed, loss signed":
        with hub.write() as unit:
            hub_orders.lose(unit.conn, Fact(LOSS_REPORTED, 1, STREAM, NODE,
                            {1: INCARNATION, 2: LIVE, 3: 6, 4: 8, 5: "hole", 6: "a restored hub"}, 1))  # fmt: skip
            hub_holes.close(unit.conn, NODE, INCARNATION, LIVE)
    if state in ("frozen", "closed"):
        hub_inbound.accept(hub, batch(3, 5, OTHER))
    if state == "closed":
        with hub.write() as unit:
            [stopped] = hub_orders.stopped(unit.conn, NODE)
            hub_orders.thaw(unit, NODE, stopped, 1, "u-admin", 1)
    if state == "of a node shut out":
        with hub.write() as unit:
            set_node_state(unit, NODE, "closed")


def evidence(hub: HubStore) -> int:
    with hub.read() as conn:
        return int(conn.execute("SELECT count(*) FROM evidence WHERE node = ?", (NODE,)).fetchone()[0])


@pytest.mark.parametrize("state", CAME)
@pytest.mark.row("H35.3")
def test_what_comes_for_a_stream_in_each_state(hub: HubStore, state: str) -> None:
    bring(hub, state)
    before = evidence(hub)
    for name, arrival in COMES.items():
        taken, kept, mark = tried(hub, arrival)
        assert (taken, mark.upto, mark.state, kept - before) == CAME[state][name], name
        assert mark.h == (ONE[mark.upto - 1][1] if mark.upto else bytes(32)), name


class _TakenBack(Exception):
    pass


def tried(hub: HubStore, arrival: Arrival) -> tuple[str, int, hub_inbound.StreamMark]:
    """(verdict, evidence, mark) as they stand inside the commit, which is then taken back: one hub serves all."""
    found: list[tuple[str, int, hub_inbound.StreamMark]] = []
    try:
        with hub.write() as unit:
            taken = hub_inbound._place(hub, unit, arrival)
            [mark] = hub_inbound.marks(unit.conn, NODE, [(INCARNATION, LIVE)])
            kept = unit.conn.execute("SELECT count(*) FROM evidence WHERE node = ?", (NODE,)).fetchone()[0]
            found.append((taken.verdict, kept, mark))
            raise _TakenBack
    except _TakenBack:
        return found[0]


@pytest.mark.parametrize(
    ("state", "oldest_kept", "told"),
    [
        ("new", 1, OPEN), ("new", 4, WAITING),
        ("open", 1, OPEN), ("open", 5, OPEN), ("open", 6, WAITING), ("open", 7, WAITING),
        ("holed", 5, OPEN), ("holed", 9, WAITING),
        ("holed, loss signed", 8, OPEN), ("holed, loss signed", 10, WAITING),
        ("frozen", 9, FROZEN), ("closed", 9, FROZEN),
    ],
)  # fmt: skip
@pytest.mark.row("H35.13")
def test_a_hello_opens_and_closes_holes_and_moves_nothing_else(
    hub: HubStore, state: str, oldest_kept: int, told: int
) -> None:
    bring(hub, state)
    says(hub, last=12, oldest_kept=oldest_kept)
    with hub.read() as conn:
        [mark] = hub_inbound.marks(conn, NODE, [(INCARNATION, LIVE)])
        holes = hub_holes.holes(conn, NODE)
    assert mark.state == told
    assert holes == ([(INCARNATION, LIVE, mark.upto + 1, oldest_kept)] if told == WAITING else [])


@pytest.mark.row("H35.13")
def test_the_same_evidence_is_kept_once_and_counted_each_time(hub: HubStore) -> None:
    bring(hub, "frozen")
    before = evidence(hub)
    for _ in range(3):
        assert hub_inbound.accept(hub, COMES["next"])[0].verdict == "frozen"
    assert evidence(hub) == before + 1
    with hub.read() as conn:
        counted = conn.execute("SELECT n FROM tally WHERE code = 'evidence.stream-frozen'").fetchone()
    assert counted[0] == 3
