"""Whether a box's database is as this box wrote it: every page's code, the journal's end, the structure, the chains.

Looking changes nothing on disk: the write-ahead log stays as it lies until the answer is known.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Literal

from sync.adapters.keys import write_whole
from sync.adapters.sqlite_log.connection import Connection, DatabaseError, look
from sync.adapters.sqlite_log.pages import PAGE_BYTES, SALT_BYTES, PageReader, Pages, Value, frames, generation
from sync.adapters.sqlite_log.salvage import ANCHOR, WITHHELD, Salvage, salvage
from sync.kernel.chain import H0, Chain
from sync.kernel.outcome import Unavailable
from sync.kernel.suite import Hasher

Reason = Literal["page", "journal", "structure", "chain", "missing"]

_VALID_FRAMES_AT = 16
"""Where the index of the write-ahead log counts the frames in use. Source: SQLite, WAL-mode File Format, 2.1."""


def wal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def salt_of(path: Path) -> Path:
    """Beside the database a copy of its first 16 bytes, without which not one page could be opened."""
    return path.with_name(f"{path.name}-salt")


def keep_salt(path: Path, of: Path) -> None:
    """Note for the database at `path` the first bytes of the file `of`, which opened; a restored one brings others."""
    with open(of, "rb") as file:
        salt = file.read(SALT_BYTES)
    if read_if_there(salt_of(path)) != salt:
        write_whole(salt_of(path), salt)


def read_if_there(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def reader_of(path: Path, key32: bytes, main: bytes) -> PageReader:
    return PageReader(key32, read_if_there(salt_of(path)) or main[:SALT_BYTES].ljust(SALT_BYTES, b"\0"))


def examine(path: Path, key32: bytes, node: str, hasher: Hasher) -> tuple[Reason | None, Salvage | None]:
    """(None, None): sound, or not there yet. (reason, None): it must be replaced.

    (None, salvage): sound, but the last transaction of the journal is torn and holds facts; they are put back. A power
    cut in mid-commit looks like that, and so does damage to the newest transaction, whose facts a person was told of.
    Raises Unavailable `store.locked` when not one page fits the key.
    """
    wal = read_if_there(wal_of(path))
    known = salt_of(path).exists()
    if not path.exists() or path.stat().st_size < PAGE_BYTES:
        return ("missing" if known else None), None
    try:
        conn = look(path, key32)
    except DatabaseError as fault:
        _blame_pages(path, key32, wal, fault)
        return "page", None
    try:
        used = _frames_used(path) if wal else 0
        every = list(frames(wal))
        reason = (
            _pages(conn, {frame.number for frame in every[:used]}) or _structure(conn) or _chains(conn, node, hasher)
        )
        if reason is not None:
            return reason, None
        current = generation(wal)
        if not any(frame.salts == current for frame in every[used:]):
            return None, None
        return _torn(conn, path, key32, node, hasher, wal, used)
    except DatabaseError as fault:
        _blame_pages(path, key32, wal, fault)
        return "page", None
    finally:
        conn.close()


def refuse_damaged(path: Path, key32: bytes) -> None:
    """The same look at a hub's file, which nothing here can mend. Raises Unavailable `store.damaged`.

    A torn last transaction passes: what was signed for in it a box shows by its receipt, and sends again.
    """
    wal = read_if_there(wal_of(path))
    if not path.exists() or path.stat().st_size < PAGE_BYTES:
        return
    try:
        conn = look(path, key32)
    except DatabaseError as fault:
        if path.with_name(f"{path.name}-journal").exists():
            return  # cut in the making: opening it for writing finishes or undoes that
        _blame_pages(path, key32, wal, fault)
        raise Unavailable("store.damaged", 3600.0) from fault
    try:
        used = _frames_used(path) if wal else 0
        reason = _pages(conn, {frame.number for frame in list(frames(wal))[:used]}) or _structure(conn)
        if reason is not None or _was_whole(path, wal, used):
            raise Unavailable("store.damaged", 3600.0)
    except DatabaseError as fault:
        _blame_pages(path, key32, wal, fault)
        raise Unavailable("store.damaged", 3600.0) from fault
    finally:
        conn.close()


def _blame_pages(path: Path, key32: bytes, wal: bytes, fault: DatabaseError) -> None:
    """The file could not be read: return when a page of it is why, else raise what else it is (key, disk)."""
    main = path.read_bytes()
    reader = reader_of(path, key32, main)
    if next(Pages(reader, main, wal).versions(), None) is None:
        raise Unavailable("store.locked", 60.0) from fault
    said = str(fault).lower()
    if ("full" in said or "unable to open" in said or "i/o" in said) and all(
        reader.sound(at // PAGE_BYTES + 1, main[at : at + PAGE_BYTES]) for at in range(0, len(main), PAGE_BYTES)
    ):
        raise Unavailable("store.write", 5.0) from fault


def _frames_used(path: Path) -> int:
    """How many frames SQLite found good, up to the last commit among them. A connection must be open."""
    index = read_if_there(path.with_name(f"{path.name}-shm"))
    return 0 if len(index) < 48 else int(struct.unpack_from("=I", index, _VALID_FRAMES_AT)[0])


def _pages(conn: Connection, in_journal: set[int]) -> Reason | None:
    """Codes of the pages of the main file. One that the journal holds anew may be half written: a cut checkpoint."""
    for (said,) in conn.execute("PRAGMA cipher_integrity_check"):
        named = re.search(r"page (\d+)", said)
        if named is None or int(named[1]) not in in_journal:
            return "page"
    return None


def _structure(conn: Connection) -> Reason | None:
    return None if conn.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok" else "structure"


def _chains(conn: Connection, node: str, hasher: Hasher) -> Reason | None:
    """Every own fact against its link, every stream's end against its row."""
    if conn.execute("SELECT 1 FROM sqlite_schema WHERE name = 'log'").fetchone() is None:
        return None
    streams = conn.execute(
        "SELECT id, incarnation, lane, last, head FROM stream WHERE own > 0 AND node = ? ORDER BY id", (node,)
    ).fetchall()
    anchors = dict(conn.execute("SELECT name, value FROM meta WHERE name LIKE 'pruned.%'").fetchall())
    for stream, incarnation, lane, last, head in streams:
        links = Chain(hasher, node, incarnation, lane)
        anchor = int(anchors.get(f"{ANCHOR}{stream}", 0))
        at, h = 0, H0
        for seq, kept, status, fact in conn.execute(
            "SELECT seq, h, status, fact FROM log WHERE stream = ? ORDER BY seq", (stream,)
        ):
            link = links.link(seq, h, fact if status == WITHHELD else links.digest(fact))
            if at == 0 and seq == anchor > 1:
                link = kept  # what lay below was dropped after the hub had signed for it
            elif seq != at + 1:
                return "chain"
            if link != kept:
                return "chain"
            at, h = seq, kept
        if at != last or (at and h != head):
            return "chain"
    return None


def _torn(
    conn: Connection, path: Path, key32: bytes, node: str, hasher: Hasher, wal: bytes, used: int
) -> tuple[Reason | None, Salvage | None]:
    """There are frames of this generation behind the `used` ones, where SQLite stopped."""
    if _was_whole(path, wal, used):
        return "journal", None
    every, current, main = list(frames(wal)), generation(wal), path.read_bytes()
    pages = Pages(reader_of(path, key32, main), main, wal)
    torn = [row for frame in every[used:] if frame.salts == current for row in pages.rows_of(frame)]
    last = dict(conn.execute("SELECT id, last FROM stream WHERE own > 0").fetchall())
    hinted = {row[0] for row in torn if _goes_beyond(row, node, last)}
    if not hinted:
        return None, None
    found = salvage(chain(_log(conn, hinted), torn), node, hasher)
    found.streams = [saved for saved in found.streams if saved.stream in hinted]
    if any(saved.last > last.get(saved.stream, 0) or saved.lost for saved in found.streams):
        return None, found
    return None, None


def _was_whole(path: Path, wal: bytes, used: int) -> bool:
    """Whether what lies behind the `used` frames was a whole transaction once: then this is damage, not a power cut.

    A transaction is on disk before the next one begins, so frames behind a commit prove that the commit was whole.
    Frames that reached the main file already leave it a mixture of two moments.
    """
    every, current = list(frames(wal)), generation(wal)
    if any(frame.pages for frame in [f for f in every[used:] if f.salts == current][:-1]):
        return True
    with open(path, "rb") as main:
        for before, frame in zip(every[max(0, used - 1) :], every[max(1, used) :], strict=False):
            if frame.salts == current and frame.number:
                main.seek((frame.number - 1) * PAGE_BYTES)
                if frame.page == main.read(PAGE_BYTES) and frame.follows(before):
                    return True
    return False


def _goes_beyond(row: Sequence[Value], node: str, last: Mapping[int, int]) -> bool:
    """Whether a row of the torn part tells of a fact that the rest does not hold. It is only a hint."""
    match row:
        case [int(stream), int(seq), bytes(h), int(), bytes()]:
            return len(h) == len(H0) and seq > last.get(stream, 0)
        case [int(stream), str(name), int(), int(), 1 | 2, int(end), bytes(), *_]:
            return name == node and end > last.get(stream, 0)
    return False


def _log(conn: Connection, streams: set[Value]) -> Iterator[Sequence[Value]]:
    """What is held of these streams, as rows of their tables."""
    yield from conn.execute("SELECT name, value FROM meta WHERE name LIKE 'pruned.%'")
    for stream in sorted(each for each in streams if isinstance(each, int)):
        yield from conn.execute(
            "SELECT id, node, incarnation, lane, own, last, head, hlc, acked, acked_hlc, safe, state, line FROM stream "
            "WHERE id = ?",
            (stream,),
        )
        yield from conn.execute("SELECT stream, seq, h, status, fact FROM log WHERE stream = ? ORDER BY seq", (stream,))
