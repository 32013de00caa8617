"""Reading a node's directory from outside: its database is opened read-only, beside the running node."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from provisioning.making.client import state_file
from provisioning.making.places import database_of
from provisioning.trust.node_keys import load_keys
from sync.adapters.clock import SystemClock
from sync.adapters.leases import box_tables
from sync.adapters.sqlite_log.bootstrap import loading
from sync.adapters.sqlite_log.connection import Connection, DatabaseError
from sync.adapters.sqlite_log.meta import suite_number
from sync.catalog import ENTITY_TYPES, KINDS
from sync.kernel.codec import decode_fact
from sync.kernel.fact import Fact
from sync.kernel.ids import FactId
from sync.kernel.outcome import PeerFault, Unavailable
from sync.protocol.lease import KIND_WORDS

ANSWER_S = 1.0
STATES = ("open", "frozen", "waits for an operator")


@contextmanager
def database(directory: Path) -> Iterator[Connection]:
    """A read-only connection to the node in `directory`. Raises Unavailable when there is none that can be read."""
    conn = database_of(directory).reader()
    try:
        if not conn.has_table("stream"):
            raise Unavailable("node.never-run", 60.0)
        yield conn
    except DatabaseError as fault:
        raise Unavailable("store.unreadable", 60.0) from fault
    finally:
        conn.close()


def refuse_running(directory: Path) -> None:
    """Raises Unavailable `node.running` while the node in `directory` is alive."""
    pid = state_file(directory).get("pid")
    if isinstance(pid, int):
        try:
            os.kill(pid, 0)
        except OSError:
            return
        raise Unavailable("node.running", 5.0)


def is_hub(conn: Connection) -> bool:
    return bool(conn.has_table("arrival"))


def status(directory: Path) -> dict[str, Any]:
    """Streams, outbox, feeds: the figures `waystation status --json` promises."""
    with database(directory) as conn:
        streams = [
            {
                "node": r[0],
                "incarnation": f"{r[1]:016x}",
                "lane": r[2],
                "last": r[3],
                "acked": r[4],
                "state": STATES[r[5]],
            }
            for r in conn.execute(
                "SELECT node, incarnation, lane, last, acked, state FROM stream WHERE own > 0 ORDER BY id"
            )
        ]
        found: dict[str, Any] = {
            "streams": streams,
            "suite": suite_number(conn) or 1,
            "outbox": {"count": sum(s["last"] - s["acked"] for s in streams), "oldest_s": oldest_s(conn)},
            "refusals": {r[0]: r[1] for r in conn.execute("SELECT code, n FROM tally ORDER BY code")},
        }
        if is_hub(conn):
            found["nodes"] = [
                {"node": r[0], "role": r[1], "state": r[2], "received": r[3]}
                for r in conn.execute(
                    "SELECT n.node, n.role, n.state, coalesce(sum(s.last), 0) FROM node n LEFT JOIN stream s "
                    "ON s.node = n.node GROUP BY n.node ORDER BY n.node"
                )
            ]
            found["outbox"] = {"count": 0, "oldest_s": None}
            found["leases"] = (
                []
                if not _has(conn, "granted_lease")
                else [
                    {
                        "node": r[0],
                        "kind": KIND_WORDS[r[1]],
                        "resource": r[2],
                        "state": r[3],
                        "count": r[4],
                        "used": r[5],
                    }
                    for r in conn.execute(
                        "SELECT node, kind, resource, state, count(*), sum(used) FROM granted_lease "
                        "GROUP BY node, kind, resource, state ORDER BY node, kind, resource, state"
                    )
                ]
            )
            found["feeds"] = {r[0]: {"sseq": r[1]} for r in conn.execute("SELECT label, sseq FROM feed ORDER BY label")}
        else:
            coming = loading(conn) if _has(conn, "staging") else []
            arriving = {each.label: {"arriving": [each.segments, each.segments_all]} for each in coming}
            found["feeds"] = {
                r[0]: {"sseq": r[1], "to_repair": bool(r[2]), "as_of_ms": r[3], **arriving.get(r[0], {})}
                for r in conn.execute("SELECT label, sseq, to_repair, head_at FROM cursor ORDER BY label")
            }
            jobs = (
                conn.execute("SELECT state, count(*) FROM print_job GROUP BY state") if _has(conn, "print_job") else ()
            )
            kept = box_tables.open_leases(conn) if _has(conn, "lease") else []
            found["leases"] = [_lease(each) for each in kept]
            found["paper"] = {r[0]: r[1] for r in jobs}
            found["key"] = _key(directory)
    return {**state_file(directory), **alive(directory), **found}


def _key(directory: Path) -> dict[str, Any] | None:
    """Ids of the signing key in force, and of the one the box goes over to; None where no keys can be read."""
    try:
        keys = load_keys(directory / "keys")
        coming = keys.files.next
    except Unavailable:
        return None
    return {
        "id": keys.key_id.hex(),
        "next": None if coming is None else keys.suite.key_id(keys.suite.signing_public(coming)).hex(),
    }


def _lease(kept: box_tables.Kept) -> dict[str, Any]:
    """One lease as the database has it; a running node may know that more time has passed."""
    held, lease = kept.held, kept.held.lease
    return {
        "id": lease.id.hex(),
        "kind": KIND_WORDS[lease.kind],
        "resource": lease.resource,
        "state": held.state,
        "used": held.used,
        "units": lease.units or None,
        "lasts_s": lease.lasts_s or None,
    }


def alive(directory: Path) -> dict[str, Any]:
    """What the running node answers about its line and devices; `running` False when nobody answers."""
    url = state_file(directory).get("base_url")
    try:
        told = dict(requests.get(f"{url}/healthz", timeout=ANSWER_S).json()) if url else {}
    except (requests.RequestException, ValueError):
        told = {}
    told.pop("ok", None)
    told.pop("status", None)
    return {"running": bool(told), "carriers": [], "devices": [], **told}


def oldest_s(conn: Connection) -> float | None:
    """How long the oldest fact has waited for the hub's signature, by the writer's own clock; None: nothing waits."""
    row = conn.execute(
        "SELECT l.fact FROM stream s JOIN log l ON l.stream = s.id AND l.seq = s.acked + 1 WHERE s.own > 0 "
        "AND l.status = 0 ORDER BY s.id LIMIT 1"
    ).fetchone()
    return None if row is None else round(max(0, SystemClock().wall_ms() - decode_fact(row[0]).at_ms) / 1000, 1)


def _has(conn: Connection, table: str) -> bool:
    return bool(conn.has_table(table))


def facts(conn: Connection, entity: tuple[int, str] | None) -> Iterator[dict[str, Any]]:
    """Facts in the order of their streams; an unreadable one is named by its code."""
    rows = conn.execute(
        "SELECT s.node, s.incarnation, s.lane, l.seq, l.status, l.fact FROM log l JOIN stream s "
        "ON s.id = l.stream ORDER BY s.id, l.seq"
    )
    for row in rows:
        fid = FactId(row[0], row[1], row[2], row[3])
        try:
            fact = decode_fact(row[5]) if row[4] != 2 else None
        except PeerFault as fault:
            yield {"id": str(fid), "status": "quarantined", "code": fault.code}
            continue
        if fact is None:
            yield {"id": str(fid), "status": "withheld"}
        elif entity is None or (fact.etype, fact.key) == entity:
            yield {**described(fid, fact), "status": ("taken", "quarantined")[row[4]]}


def described(fid: FactId, fact: Fact) -> dict[str, Any]:
    """A fact in words a person can follow: names of kind and entity type, the body by its numbers."""
    kind, etype = KINDS.get(fact.kind), ENTITY_TYPES.get(fact.etype)
    return {
        "id": str(fid),
        "kind": kind.name if kind else fact.kind,
        "entity": etype.name if etype else fact.etype,
        "key": fact.key.hex() if isinstance(fact.key, bytes) else fact.key,
        "actor": fact.actor,
        "device": fact.device,
        "at_ms": fact.at_ms,
        "clock": fact.clock,
        "body": plain(fact.body),
    }


def plain(value: Any) -> Any:
    """JSON can hold it: bytes as hex, numbered fields as text keys."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def entity_named(text: str) -> tuple[int, str]:
    """`stay/00731846-2` as (10, key). Raises PeerFault `entity` for a type nobody knows."""
    word, _, key = text.partition("/")
    for number, etype in ENTITY_TYPES.items():
        if word in (etype.name, str(number)) and key:
            return number, key
    raise PeerFault("entity", f"no entity type is called {word}")


def where(conn: Connection, fid: FactId) -> dict[str, Any]:
    """Where one fact is on its way, as this node knows it."""
    row = conn.execute(
        "SELECT s.id, s.own, s.acked, l.status, l.fact FROM stream s JOIN log l ON l.stream = s.id AND "
        "l.seq = ? WHERE s.node = ? AND s.incarnation = ? AND s.lane = ?",
        (fid.seq, fid.node, fid.incarnation, fid.lane),
    ).fetchone()
    if row is None:
        return {"id": str(fid), "held": False}
    found = {"held": True, **described(fid, decode_fact(row[4]))} if row[3] == 0 else {"held": True, "id": str(fid)}
    if is_hub(conn):
        note = conn.execute(
            "SELECT rev, known_at FROM entity_fact WHERE stream = ? AND seq = ?", (row[0], fid.seq)
        ).fetchone()
        found["digested"] = note is not None
        if note is not None:
            found.update(rev=note[0], known_at_ms=note[1] >> 16)
    elif row[1]:
        found["acknowledged"] = row[2] >= fid.seq
    return found
