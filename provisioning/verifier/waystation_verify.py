"""Check Waystation databases without Waystation: chains, signatures, produced = received, everything counted once.

This file imports nothing of the product on purpose; it needs sqlcipher3, cbor2 and cryptography, psycopg for a hub on
PostgreSQL, and OpenSSL 3 (libcrypto.so.3, or what WAYSTATION_LIBCRYPTO names) for a site with the national algorithms.
Formats are those of protocol way/1, sections 2 and 4.1. Usage:

    python waystation_verify.py --node HUB/data/node.db:HUB/keys/store.key --node BOX/data/node.db:BOX/keys/store.key
    python waystation_verify.py --node postgresql://hub@server/waystation --node BOX/data/node.db:BOX/keys/store.key

Exit 0: everything holds. Exit 1: the first bad row of each database is named. Nothing of a patient is printed: facts
are named by stream and seq.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cbor2
import sqlcipher3.dbapi2 as sqlcipher
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

COLLECTED, KEY_CHANGED, REBUILT_FROM, HOW, REISSUE_OF = 50, 2, 8, 5, 13
ZERO = bytes(32)


@dataclass
class Report:
    """What one database showed. `faults` are sentences that name a row; the first one is the one to look at."""

    node: str = ""
    hub: bool = False
    suite: int = 1
    facts: int = 0
    streams: int = 0
    signatures: int = 0
    faults: list[str] = field(default_factory=list)
    own: dict[tuple[str, int, int], tuple[int, bytes]] = field(default_factory=dict)
    held: dict[tuple[str, int, int], tuple[int, bytes]] = field(default_factory=dict)
    acked: dict[tuple[str, int, int], int] = field(default_factory=dict)
    hashes: dict[tuple[str, int, int], dict[int, bytes]] = field(default_factory=dict)
    collected: dict[tuple[Any, ...], int] = field(default_factory=dict)
    again: set[tuple[Any, ...]] = field(default_factory=set)
    key_changes: list[tuple[str, dict[int, Any], str]] = field(default_factory=list)
    broken: set[tuple[str, int, int]] = field(default_factory=set)
    backfilled: int = 0
    dropped: int = 0
    at: str = ""


def ed25519(public: bytes, signature: bytes, said: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, said)
    except (InvalidSignature, ValueError):
        return False
    return True


def sm2(public: bytes, signature: bytes, said: bytes) -> bool:
    """SM2 with SM3 and the usual signer's id, by OpenSSL; public key x y, signature r s."""
    lib = ctypes.CDLL(os.environ.get("WAYSTATION_LIBCRYPTO") or "libcrypto.so.3")
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    for name in ("d2i_PUBKEY", "EVP_MD_CTX_new", "EVP_PKEY_CTX_new", "EVP_sm3"):
        getattr(lib, name).restype = pointer
    order = int("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123", 16)
    halves = [int.from_bytes(signature[at : at + 32], "big") for at in (0, 32)]
    if len(public) != 64 or len(signature) != 64 or not all(0 < half < order for half in halves):
        return False
    der = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004") + public
    bodies = [half.to_bytes(half.bit_length() // 8 + 1, "big") for half in halves]
    integers = b"".join(b"\x02" + bytes([len(body)]) + body for body in bodies)
    proof = b"\x30" + bytes([len(integers)]) + integers
    key = pointer(lib.d2i_PUBKEY(None, ctypes.byref(ctypes.c_char_p(der)), ctypes.c_long(len(der))))
    if not key:
        return False
    inner, context = pointer(lib.EVP_PKEY_CTX_new(key, None)), pointer(lib.EVP_MD_CTX_new())
    try:
        lib.EVP_PKEY_CTX_set1_id(inner, b"1234567812345678", 16)
        lib.EVP_MD_CTX_set_pkey_ctx(context, inner)
        begun = lib.EVP_DigestVerifyInit(context, None, pointer(lib.EVP_sm3()), None, key)
        return begun == 1 and lib.EVP_DigestVerify(context, proof, size(len(proof)), said, size(len(said))) == 1
    finally:
        for free, made in (("EVP_MD_CTX_free", context), ("EVP_PKEY_CTX_free", inner), ("EVP_PKEY_free", key)):
            getattr(lib, free)(made)


BROKEN = (ValueError, TypeError, AttributeError, KeyError, EOFError, OverflowError)
"""What reading a value raises that is not of the kind a node writes."""
HASHES: dict[int, Any] = {
    1: lambda said: hashlib.sha256(said).digest(),
    2: lambda said: hashlib.new("sm3", said).digest(),
}
SIGNATURES: dict[int, Callable[[bytes, bytes, bytes], bool]] = {1: ed25519, 2: sm2}
"""By the suite that the site keeps: a database notes its own, a header names it."""


def open_db(path: str, key_path: str) -> Any:
    with open(key_path, "rb") as key_file:
        key = key_file.read()
    conn = sqlcipher.connect(f"file:{path}?mode=ro", uri=True)
    conn.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    conn.execute("PRAGMA query_only = 1")
    conn.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")  # or a fault would show what is in the row
    conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return conn


def integrity(path: str, key_path: str) -> str:
    """On a connection of its own: one that met a page it cannot read says no more of the others."""
    conn = open_db(path, key_path)
    try:
        return str(conn.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except sqlcipher.DatabaseError as fault:
        return str(fault)
    finally:
        conn.close()


class Postgres:
    """One snapshot of a hub's tables on a server, read with SQLite's mark for a parameter."""

    def __init__(self, url: str) -> None:
        import psycopg

        self._conn = psycopg.connect(url)
        self._conn.read_only = True
        self._conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        self.close = self._conn.close

    def execute(self, sql: str, params: tuple[Any, ...] = ()) -> Any:
        return self._conn.execute(sql.replace("?", "%s"), params)


def has_table(conn: Any, name: str) -> bool:
    asked = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"
    if isinstance(conn, Postgres):
        asked = "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = ?"
    return conn.execute(asked, (name,)).fetchone() is not None


def check(place: str) -> Report:
    """`place`: a file and its key, or the address of a PostgreSQL."""
    server = place.startswith(("postgresql://", "postgres://"))
    report, conn = Report(at="the server" if server else place.rsplit(":", 1)[0]), None
    try:
        if not server and (bad := integrity(*place.rsplit(":", 1))) != "ok":
            report.faults.append(f"integrity: {bad}")
        conn = Postgres(place) if server else open_db(*place.rsplit(":", 1))
        report.hub, report.suite = has_table(conn, "arrival"), suite_of(conn)
        if report.suite not in HASHES:
            report.faults.append(f"suite {report.suite} is not known here")
            return report
        for row in conn.execute("SELECT id, node, incarnation, lane, own, last, head, acked FROM stream ORDER BY id"):
            report.at = f"stream row {row[0]}"
            check_stream(conn, report, row)
        report.at = "keys and headers"
        if report.hub:
            check_headers(conn, report)
    except BROKEN:
        report.faults.append(f"{report.at}: not as a node writes it")
    except Exception as fault:  # a key, a file, a page or a server; the other databases are still looked at
        report.faults.append(f"{report.at}: {fault}")
    finally:
        if conn is not None:
            conn.close()
    return report


def check_stream(conn: Any, report: Report, row: tuple[Any, ...]) -> None:
    """Recompute every link; name the first row whose hash, place or bytes do not fit."""
    stream, node, incarnation, lane, own, last, head, acked = row
    if not isinstance(head, bytes) or not all(isinstance(one, int) for one in (last, acked)):
        raise TypeError
    name = f"{node}/{incarnation:016x}/{lane}"
    prefix = b"way/1 fact\0" + node.encode().ljust(16, b"\0") + incarnation.to_bytes(8, "big") + bytes([lane])
    prev, expected, hashed, key = ZERO, 1, HASHES[report.suite], (node, incarnation, lane)
    report.broken.add(key)
    report.node = node if own else report.node
    anchor = 0 if report.hub or not own else anchor_of(conn, stream)
    hashes: dict[int, bytes] = {}
    for seq, h, status, fact in conn.execute(
        "SELECT seq, h, status, fact FROM log WHERE stream = ? ORDER BY seq", (stream,)
    ):
        if seq == anchor and expected == 1 and isinstance(h, bytes):
            # What lay below was dropped by age, with the hub's word that its backups hold it; the hub is compared here.
            prev, expected = h, seq + 1
            hashes[seq] = h
            report.dropped += seq - 1
            continue
        if seq > expected and report.hub and (over := signed_over(conn, stream, expected, seq - 1)) is not None:
            prev, expected = over, seq
            hashes[seq - 1] = over
        if seq != expected:
            report.faults.append(f"{name}/{expected}: missing, the next row is {seq}")
            return
        if not isinstance(fact, bytes) or not isinstance(h, bytes):
            report.faults.append(f"{name}/{seq}: the chain does not hold, the row is not bytes")
            return
        d = fact if status == 2 else hashed(fact)
        prev = hashed(prefix + seq.to_bytes(8, "big") + prev + d)
        if prev != h:
            report.faults.append(f"{name}/{seq}: the chain does not hold")
            return
        hashes[seq], report.at = h, f"{name}/{seq + 1}"
        if status != 2:
            note_collection(report, (node, incarnation, lane, seq), fact)
        expected += 1
    if (last, head) != (expected - 1, prev):
        report.faults.append(f"{name}: the stream row says {last}, the log ends at {expected - 1}")
    report.broken.discard(key)
    report.hashes[key] = hashes
    report.streams += 1
    report.facts += len(hashes)
    report.held[key] = (last, head)
    if own:
        report.own[key] = (last, head)
        report.acked[key] = acked


def suite_of(conn: Any) -> int:
    row = conn.execute("SELECT value FROM meta WHERE name = 'suite'").fetchone()
    return 1 if row is None else int(row[0]) if bytes(row[0]).isdigit() else 0


def signed_over(conn: Any, stream: int, first: int, last: int) -> bytes | None:
    """Where the chain goes on behind facts that an operator signed as lost; None where nobody did."""
    if not has_table(conn, "anchor"):
        return None
    row = conn.execute(
        "SELECT a.h FROM anchor a JOIN stream s ON s.id = a.stream JOIN loss l ON l.node = s.node "
        "AND l.incarnation = s.incarnation AND l.lane = s.lane WHERE a.stream = ? AND a.seq = ? AND l.first <= ? "
        "AND l.last >= ?",
        (stream, last, first, last),
    ).fetchone()
    return None if row is None else bytes(row[0])


def anchor_of(conn: Any, stream: int) -> int:
    """The seq from which a box still holds a stream, as it noted when it dropped the rest; 0: nothing was dropped."""
    row = conn.execute("SELECT value FROM meta WHERE name = ?", (f"pruned.{stream}",)).fetchone()
    return int(row[0]) if row is not None and row[0] else 0


def note_collection(report: Report, place: tuple[Any, ...], fact: bytes) -> None:
    try:
        fields = cbor2.loads(fact)
        if fields.get(1) == KEY_CHANGED and fields[4] == place[0] and isinstance(fields[5][1], bytes):
            report.key_changes.append((place[0], fields[5], f"{place[0]}/{place[1]:016x}/{place[2]}/{place[3]}"))
        if fields.get(1) != COLLECTED:
            return
        again = fields.get(REISSUE_OF)
        origin = tuple(fields[5].get(REBUILT_FROM) or ((place[0], *again[:3]) if again else place))
        report.backfilled += fields[5].get(HOW) == "backfill"
    except BROKEN:
        return
    if again:
        report.again.add(origin)
        report.collected.setdefault(origin, 1)
    elif origin not in report.again:
        report.collected[origin] = report.collected.get(origin, 0) + 1


def keys_by_node(conn: Any, report: Report) -> dict[str, dict[bytes, bytes]]:
    """Of each node the signing keys by their id: the first one, and each that a change leads to, as both keys said it.

    A key that none leads to counts as one that the hub signed for and whose change it forgot when it was put back.
    """
    hashed = HASHES[report.suite]
    keys: dict[str, dict[bytes, bytes]] = {}
    for node, public in conn.execute("SELECT node, signing_public FROM node"):
        keys[node] = {hashed(bytes(public))[:8]: bytes(public)}
    if has_table(conn, "node_key"):
        for node, public, said in conn.execute("SELECT node, public, said FROM node_key ORDER BY node, since_ms"):
            if said is None:
                keys.setdefault(node, {})[hashed(bytes(public))[:8]] = bytes(public)
            else:
                report.key_changes.append((node, cbor2.loads(bytes(said)), f"a key of {node}"))
    left = list(report.key_changes)
    while reached := [each for each in left if each[1].get(1) in keys.get(each[0], {})]:
        for node, said, place in reached:
            if (public := changed_to(report.suite, node, said, keys[node][said[1]])) is None:
                report.faults.append(f"{place}: the key change is not signed by both keys")
            else:
                keys[node][hashed(public)[:8]] = public
        left = [each for each in left if each not in reached]
    return keys


def changed_to(suite: int, node: str, said: dict[int, Any], old: bytes) -> bytes | None:
    """The key that `old` hands over to; None unless both say so. Source: protocol way/1, section 7.5."""
    parts = [said.get(number) for number in range(1, 7)]
    before, head, by_old, by_new, tls, rest = [part if isinstance(part, bytes) else b"" for part in parts]
    public = head + rest
    words = b"way/1 key.changed\0" + node.encode().ljust(16, b"\0") + before + public + tls
    return public if SIGNATURES[suite](old, by_old, words) and SIGNATURES[suite](public, by_new, words) else None


def check_headers(conn: Any, report: Report) -> None:
    """Every stored batch header: signed by a key of its node's, and its borders fit the log's hashes."""
    keys = keys_by_node(conn, report)
    for pos, node, incarnation, lane, header in conn.execute(
        "SELECT a.pos, s.node, s.incarnation, s.lane, a.header FROM arrival a JOIN stream s ON s.id = a.stream "
        "WHERE a.header IS NOT NULL ORDER BY a.pos"
    ):
        held = report.hashes.get((node, incarnation, lane), {})
        if fault := header_fault(report.suite, header, node, keys.get(node, {}), held):
            report.faults.append(f"arrival {pos} of {node}: {fault}")
            return
        report.signatures += 1


def header_fault(suite: int, header: bytes, node: str, keys: dict[bytes, bytes], held: dict[int, bytes]) -> str | None:
    if not isinstance(header, bytes) or len(header) != 224 or header[:4] != b"WAYB":
        return "not a batch header"
    if not keys:
        return "no key is known for this node"
    if header[5] != suite:
        return "of another suite than the hub's"
    public = keys.get(header[144:152])
    if public is None:
        return "the key id is none that the node's first key leads to"
    if not SIGNATURES[suite](public, header[160:224], b"way/1 facts\0" + header[:160]):
        return "the signature does not verify"
    first = int.from_bytes(header[36:44], "big")
    last = first + int.from_bytes(header[44:48], "big") - 1
    if header[8:24] != node.encode().ljust(16, b"\0"):
        return "the header names another node"
    if held.get(last) != header[80:112] or (first > 1 and held.get(first - 1) != header[48:80]):
        return f"the hashes at {first} to {last} are not those that were signed"
    return None


def compare(reports: list[Report]) -> list[str]:
    """Produced = received: every own stream of a box against what the hub holds of it."""
    faults: list[str] = []
    for hub in (r for r in reports if r.hub):
        for box in (r for r in reports if not r.hub):
            for key, (last, _) in sorted(box.own.items()):
                if key in hub.broken:
                    continue  # its first bad row is named already
                name = f"{key[0]}/{key[1]:016x}/{key[2]}"
                held, _ = hub.held.get(key, (0, ZERO))
                if held > last:
                    faults.append(f"{name}: the hub holds {held}, the box wrote {last}")
                elif held < last:
                    faults.append(f"{name}/{held + 1}: produced, not received")
                at = min(held, last)
                if at and hub.hashes[key].get(at) != box.hashes[key].get(at):
                    faults.append(f"{name}/{at}: box and hub hold different facts")
                if box.acked[key] > held:
                    faults.append(f"{name}/{held + 1}: acknowledged, but not held")
        # An original and its rebuilt twin name the same origin: two facts, one collection.
        twice = [origin for origin, n in hub.collected.items() if n > 2]
        faults.extend(f"{origin[0]}/{origin[3]}: collected facts repeat" for origin in sorted(twice))
    return faults


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check Waystation databases without Waystation.")
    parser.add_argument(
        "--node", action="append", required=True, metavar="DB:KEY", help="a database and its key file, or a URL"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    options = parser.parse_args(argv)
    reports = [check(each) for each in options.node]
    across = compare(reports)
    document = {
        "ok": not across and not any(r.faults for r in reports),
        "nodes": [
            {name: getattr(r, name) for name in ("node", "hub", "facts", "streams", "signatures")}
            | {
                "produced": sum(last for last, _ in r.own.values()),
                "acknowledged": sum(r.acked.values()),
                "collections": len(r.collected),
            }
            | {name: getattr(r, name) for name in ("backfilled", "dropped", "faults")}
            for r in reports
        ],
        "across": across,
    }
    if options.json:
        print(json.dumps(document))
    else:
        for r in reports:
            held = f"{r.node or 'unknown'}: {r.facts} facts in {r.streams} streams, {r.signatures} signatures"
            print(f"{held}; {r.faults[0] if r.faults else 'holds'}")
        print("\n".join(across) or ("produced = received" if document["ok"] else "not everything could be compared"))
    return 0 if document["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
