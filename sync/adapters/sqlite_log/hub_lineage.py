"""The hub's rows on process starts: openings and told heads kept, families judged, forks noted, lines given.

Each function works inside the caller's transaction. The hub's own starts are not judged: several workers of one hub
write under its name at once.
Source: protocol way/1, section 1, and 9, "Hub session per node".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sync.adapters.sqlite_log.connection import Connection
from sync.adapters.sqlite_log.hub_store import HubStore
from sync.adapters.sqlite_log.node_store import Unit, count
from sync.domain.fleet.facts import NODE, noted
from sync.kernel.canonical import decode, encode
from sync.kernel.fact import Fact
from sync.kernel.ids import CONTROL, FactId
from sync.kernel.outcome import PeerFault
from sync.protocol import lineage
from sync.protocol.lineage import Family, Head, Opening

THAWED = "thawed"
RECENT_STARTS = 16
VERDICTS = ("restored", "copied")


@dataclass(frozen=True, slots=True)
class ForkRow:
    """One fork as the operator sees it. `found_at` is the hub's HLC, `settled_at` wall milliseconds."""

    node: str
    incarnation: int
    line: int
    why: str
    found_at: int
    verdict: str | None
    settled_at: int | None
    settled_by: str | None


def is_opening(fid: FactId) -> bool:
    """Whether a fact of kind `stream.opened` at this place is the one that opens a process start."""
    return fid.lane == CONTROL and fid.seq == 1


def opened(store: HubStore, conn: Connection, fid: FactId, fact: Fact) -> None:
    """A start's first fact was read: keep what it names. `learnt` judges it."""
    if fid.node == store.node:
        return
    try:
        opening = Opening.read(fid.incarnation, fact.body)
    except PeerFault as fault:
        count(conn, fault.code, store.clock.wall_ms())
        return
    n = conn.execute("SELECT count(*) FROM opening WHERE node = ?", (fid.node,)).fetchone()[0]
    conn.execute(
        "INSERT INTO opening (node, incarnation, before, heads, why, n) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (node, incarnation) DO NOTHING",
        (fid.node, opening.incarnation, opening.before, encode([_row(h) for h in opening.heads]), opening.why, n + 1),
    )


def learnt(store: HubStore, unit: Unit, node: str, incarnation: int, *, opening: bool = False) -> bool:
    """Facts of this start came: judge what they may have shown. True: a fork was found.

    `opening`: its first one is among them, so it is also judged beside the starts that follow the same one.
    """
    conn = unit.conn
    if node == store.node:
        return False
    found = False
    if opening:
        row = conn.execute(
            "SELECT before FROM opening WHERE node = ? AND incarnation = ?", (node, incarnation)
        ).fetchone()
        found = row is not None and _judge(store, unit, node, row[0])
    if _has_next(conn, node, incarnation):
        found = _judge(store, unit, node, incarnation) or found
    if found or opening:
        _give_lines(conn, node)
    return found


def told(store: HubStore, unit: Unit, node: str, heads: Iterable[tuple[int, int, int]]) -> None:
    """A hello named these (incarnation, lane, last)."""
    conn = unit.conn
    touched = set()
    for incarnation, lane, last in heads:
        raised = conn.execute(
            "INSERT INTO told_head (node, incarnation, lane, last) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (node, incarnation, lane) DO UPDATE SET last = excluded.last "
            "WHERE told_head.last < excluded.last",
            (node, incarnation, lane, last),
        ).rowcount
        if raised:
            touched.add(incarnation)
    found = [_judge(store, unit, node, each) for each in sorted(touched) if _has_next(conn, node, each)]
    if any(found):
        _give_lines(conn, node)


def line_of(conn: Connection, node: str, incarnation: int) -> int:
    """The line of a start; 0 where the hub does not know it."""
    row = conn.execute("SELECT line FROM opening WHERE node = ? AND incarnation = ?", (node, incarnation)).fetchone()
    return 0 if row is None else int(row[0])


def forks(conn: Connection, node: str | None = None) -> list[ForkRow]:
    """Forks of one node or of all, oldest first."""
    rows = conn.execute(
        "SELECT node, incarnation, line, why, found_at, verdict, settled_at, settled_by FROM fork "
        "WHERE node = ? OR ? = '' ORDER BY found_at, line",
        (node or "", node or ""),
    )
    return [ForkRow(*row) for row in rows]


def settle(unit: Unit, node: str, verdict: str, actor: str, now_ms: int) -> bool:
    """An operator's word on all open forks of a node. False: there is none. Restored: the node is known again."""
    assert verdict in VERDICTS
    done = unit.conn.execute(
        "UPDATE fork SET verdict = ?, settled_at = ?, settled_by = ? WHERE node = ? AND verdict IS NULL",
        (verdict, now_ms, actor, node),
    ).rowcount
    if done and verdict == "restored":
        unit.conn.execute("UPDATE node SET state = 'known' WHERE node = ? AND state = 'rewound'", (node,))
    return bool(done)


def has_open_fork(conn: Connection, node: str) -> bool:
    """Whether the node must count as rewound: a fork without a word, or one said to be a copy."""
    found = conn.execute(
        "SELECT 1 FROM fork WHERE node = ? AND (verdict IS NULL OR verdict = 'copied') LIMIT 1", (node,)
    ).fetchone()
    return found is not None


def beyond(conn: Connection, node: str, incarnation: int) -> list[tuple[int, int]]:
    """(incarnation, lane) of streams of which the hub holds facts that lie in no past of this start, nor come after.

    They are what a disk that was put back has lost, or what its copy wrote. Stopped streams are left to a person.
    """
    openings = {each.incarnation: each for each in _openings(conn, node)}
    past: dict[tuple[int, int], int] = {}
    path = set()
    at: int | None = incarnation
    while at is not None and at in openings and at not in path:
        path.add(at)
        for head in openings[at].heads:
            place = (head.incarnation, head.lane)
            past[place] = max(past.get(place, 0), head.last)
        at = openings[at].before
    after = _descendants(openings, incarnation)
    rows = conn.execute(
        "SELECT incarnation, lane, last FROM stream WHERE node = ? AND last > 0 AND state = 0 ORDER BY id", (node,)
    ).fetchall()
    return [(r[0], r[1]) for r in rows if r[0] not in after and r[2] > past.get((r[0], r[1]), 0)]


def lacks_past(conn: Connection, node: str, named: Iterable[tuple[int, int]]) -> bool:
    """Whether a recent start names an end of a stream that the hub has not come to, and the node asks nothing of it.

    The node holds such a stream for complete: either its facts are under way on another line, or this hub lost them.
    """
    waits = frozenset(named)
    rows = conn.execute("SELECT heads FROM opening WHERE node = ? ORDER BY n DESC LIMIT ?", (node, RECENT_STARTS))
    for (heads,) in rows.fetchall():
        for incarnation, lane, last, _h in decode(heads):
            if (incarnation, lane) in waits:
                continue
            held = conn.execute(
                "SELECT last FROM stream WHERE node = ? AND incarnation = ? AND lane = ?", (node, incarnation, lane)
            ).fetchone()
            if held is None or held[0] < last:
                return True
    return False


def _descendants(openings: Mapping[int, Opening], incarnation: int) -> set[int]:
    """A start and all that came after it on its disk."""
    found = {incarnation}
    grown = True
    while grown:
        more = {each.incarnation for each in openings.values() if each.before in found} - found
        found |= more
        grown = bool(more)
    return found


def _judge(store: HubStore, unit: Unit, node: str, of: int | None) -> bool:
    """Judge one family; note each fork found. True: there was a new one."""
    conn = unit.conn
    noted_here = False
    for fork in lineage.judge(_family(conn, node, of)):
        line = conn.execute("SELECT coalesce(max(line), 0) + 1 FROM fork WHERE node = ?", (node,)).fetchone()[0]
        why = conn.execute(
            "SELECT why FROM opening WHERE node = ? AND incarnation = ?", (node, fork.incarnation)
        ).fetchone()[0]
        fresh = conn.execute(
            "INSERT INTO fork (node, incarnation, line, why, found_at, verdict) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (node, incarnation) DO NOTHING",
            (node, fork.incarnation, line, fork.why, store.hub_hlc(unit), THAWED if why == THAWED else None),
        ).rowcount
        if not fresh:
            continue  # another worker has noted it while this one was judging
        noted_here = True
        if why == THAWED:
            continue  # an operator has settled this one before it was found
        conn.execute("UPDATE node SET state = 'rewound' WHERE node = ? AND state = 'known'", (node,))
        count(conn, "alarm.rewound", store.clock.wall_ms())
        unit.append(noted(store.node, "node.rewound", etype=NODE, key=node, detail=fork.why))
    return noted_here


def _family(conn: Connection, node: str, of: int | None) -> Family:
    following = _openings(conn, node, "before IS NULL") if of is None else _openings(conn, node, "before = ?", of)
    forked = {
        row[0] for row in conn.execute("SELECT incarnation FROM fork WHERE node = ? ORDER BY line", (node,)).fetchall()
    }
    if of is None:
        return Family(None, following, forked=frozenset(forked))
    held = conn.execute("SELECT lane, last, id FROM stream WHERE node = ? AND incarnation = ?", (node, of)).fetchall()
    rows = conn.execute("SELECT lane, last FROM told_head WHERE node = ? AND incarnation = ?", (node, of)).fetchall()
    streams = {row[0]: row[2] for row in held}
    differs = frozenset(
        opening.incarnation
        for opening in following
        if any(_differs(conn, streams, head) for head in opening.heads if head.incarnation == of)
    )
    return Family(
        of,
        following,
        held={row[0]: row[1] for row in held},
        told={row[0]: row[1] for row in rows},
        differs=differs,
        forked=frozenset(forked),
    )


def _differs(conn: Connection, streams: Mapping[int, int], head: Head) -> bool:
    """Whether the hub holds another fact where this head stands."""
    row = conn.execute(
        "SELECT h FROM log WHERE stream = ? AND seq = ?", (streams.get(head.lane, 0), head.last)
    ).fetchone()
    return row is not None and bytes(row[0]) != head.h


def _openings(conn: Connection, node: str, where: str = "0 = 0", *place: int) -> list[Opening]:
    """Starts of a node in the order they came. `where` is one of our own words, `place` its values."""
    rows = conn.execute(
        f"SELECT incarnation, before, heads, why FROM opening WHERE node = ? AND {where} ORDER BY n", (node, *place)
    ).fetchall()
    return [Opening(r[0], r[1], tuple(Head(*each) for each in decode(bytes(r[2]))), r[3]) for r in rows]


def _has_next(conn: Connection, node: str, incarnation: int) -> bool:
    found = conn.execute("SELECT 1 FROM opening WHERE node = ? AND before = ? LIMIT 1", (node, incarnation)).fetchone()
    return found is not None


def _give_lines(conn: Connection, node: str) -> None:
    """Bring every start's line up to date after an opening came or a fork was found."""
    forked = dict(conn.execute("SELECT incarnation, line FROM fork WHERE node = ?", (node,)).fetchall())
    if not forked:
        return
    for incarnation, line in sorted(lineage.lines(_openings(conn, node), forked).items()):
        conn.execute(
            "UPDATE opening SET line = ? WHERE node = ? AND incarnation = ? AND line <> ?",
            (line, node, incarnation, line),
        )


def _row(head: Head) -> list[Any]:
    return [head.incarnation, head.lane, head.last, head.h]
