"""A database file page by page, without the library that wrote it: what a damaged one still holds.

Each page carries its own authentication code, so a page that verifies is one this node wrote, whole. Nothing here
needs a tree, a schema or a neighbouring page. Source: SQLCipher 4 design, "Database Encryption and MAC"; SQLite,
Database File Format, sections 1.5, 1.6, 2.1 and 4.1 (WAL).
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PAGE_BYTES = 4096
SALT_BYTES = 16
_IV_BYTES = 16
_MAC_BYTES = 64
USABLE_BYTES = PAGE_BYTES - _IV_BYTES - _MAC_BYTES
WAL_HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
FRAME_BYTES = FRAME_HEADER_BYTES + PAGE_BYTES

_MAC_SALT_MASK = 0x3A
_MAC_KEY_ROUNDS = 2
_INDEX_INTERIOR, _TABLE_INTERIOR, _INDEX_LEAF, _TABLE_LEAF = 2, 5, 10, 13
_FRAME = struct.Struct(">IIQ")
_MAGIC = (bytes.fromhex("377f0682"), bytes.fromhex("377f0683"))
"""The second: sums are of big-endian words."""

Value = int | float | bytes | str | None


class PageReader:
    """Tells which pages are as they were written, and opens them."""

    def __init__(self, key32: bytes, salt: bytes) -> None:
        self._key = key32
        masked = bytes(byte ^ _MAC_SALT_MASK for byte in salt)
        self._mac_key = hashlib.pbkdf2_hmac("sha512", key32, masked, _MAC_KEY_ROUNDS, 32)

    def sound(self, number: int, page: bytes) -> bool:
        """Whether page `number` (from 1) carries the code of its own bytes."""
        if len(page) != PAGE_BYTES:
            return False
        start = SALT_BYTES if number == 1 else 0
        covered = page[start : USABLE_BYTES + _IV_BYTES] + number.to_bytes(4, "little")
        return hmac.compare_digest(hmac.digest(self._mac_key, covered, "sha512"), page[USABLE_BYTES + _IV_BYTES :])

    def open(self, number: int, page: bytes) -> bytes | None:
        """The clear page, its usable part, or None when it is not sound."""
        if not self.sound(number, page):
            return None
        start = SALT_BYTES if number == 1 else 0
        iv = page[USABLE_BYTES : USABLE_BYTES + _IV_BYTES]
        cipher = Cipher(algorithms.AES256(self._key), modes.CBC(iv)).decryptor()
        clear = cipher.update(page[start:USABLE_BYTES]) + cipher.finalize()
        return bytes(start) + clear


@dataclass(frozen=True, slots=True)
class Frame:
    """One page in the write-ahead log. `pages` is the file's size after its commit, 0 inside a transaction."""

    number: int
    pages: int
    salts: int
    sums: bytes
    page: bytes

    def follows(self, before: Frame) -> bool:
        """Whether head and page were written together, directly after the frame `before`."""
        head = _FRAME.pack(self.number, self.pages, 0)[:8]
        return any(_sum(head + self.page, big, before.sums) == self.sums for big in (False, True))


def frames(wal: bytes) -> Iterator[Frame]:
    """Every frame that the file has room for, those of earlier generations too, in file order."""
    for at in range(WAL_HEADER_BYTES, len(wal) - FRAME_BYTES + 1, FRAME_BYTES):
        number, pages, salts = _FRAME.unpack_from(wal, at)
        page = at + FRAME_HEADER_BYTES
        yield Frame(number, pages, salts, wal[page - 8 : page], wal[page : at + FRAME_BYTES])


def generation(wal: bytes) -> int:
    """The salts of the frames now in use: the header's, or the first frame's where the header is not as written."""
    head = wal[:WAL_HEADER_BYTES]
    if head[:4] in _MAGIC and len(head) == WAL_HEADER_BYTES and _sum(head[:24], head[3] & 1 == 1) == head[24:]:
        return int.from_bytes(head[16:24], "big")
    found = [frame.salts for frame in frames(wal)][:3]
    return max(found, key=found.count, default=0)


def _sum(data: bytes, big: bool, before: bytes = bytes(8)) -> bytes:
    """Source: Database File Format, section 4.2, "Checksum Algorithm"."""
    words = struct.unpack(f"{'>' if big else '<'}{len(data) // 4}I", data)
    a, b = struct.unpack(">II", before)
    for first, second in zip(words[::2], words[1::2], strict=True):
        a = (a + first + b) & 0xFFFFFFFF
        b = (b + second + a) & 0xFFFFFFFF
    return a.to_bytes(4, "big") + b.to_bytes(4, "big")


class Pages:
    """Every clear page of a database file and its write-ahead log, older versions before newer ones."""

    def __init__(self, reader: PageReader, main: bytes, wal: bytes) -> None:
        self._reader = reader
        self._main = main
        current = generation(wal)
        every = list(frames(wal))
        self._old = [frame for frame in every if frame.salts != current]
        self._new = [frame for frame in every if frame.salts == current]
        self._newest = {frame.number: frame.page for frame in self._new if reader.sound(frame.number, frame.page)}

    def versions(self) -> Iterator[tuple[int, bytes]]:
        """(number, clear page). Those that do not verify are left out."""
        for frame in self._old:
            if (clear := self._reader.open(frame.number, frame.page)) is not None:
                yield frame.number, clear
        for at in range(0, len(self._main), PAGE_BYTES):
            number = at // PAGE_BYTES + 1
            if (clear := self._reader.open(number, self._main[at : at + PAGE_BYTES])) is not None:
                yield number, clear
        for frame in self._new:
            if (clear := self._reader.open(frame.number, frame.page)) is not None:
                yield frame.number, clear

    def __getitem__(self, number: int) -> bytes:
        at = (number - 1) * PAGE_BYTES
        clear = self._reader.open(number, self._newest.get(number) or self._main[at : at + PAGE_BYTES])
        if clear is None:
            raise KeyError(number)
        return clear

    def rows_of(self, frame: Frame) -> Iterator[list[Value]]:
        """Those of one frame of the log; none when it does not verify."""
        if (clear := self._reader.open(frame.number, frame.page)) is not None:
            yield from records(frame.number, clear, self)

    def rows(self) -> Iterator[list[Value]]:
        """Every row and index entry of every page, those of a newer page later."""
        for number, clear in self.versions():
            yield from records(number, clear, self)


class Lookup(Protocol):
    def __getitem__(self, number: int) -> bytes: ...


def records(number: int, page: bytes, pages: Lookup) -> Iterator[list[Value]]:
    """The rows and index entries on one clear page. Overflow is looked up in `pages` (clear, by number).

    A record that cannot be read is passed over. The integer key of a table's row comes in place of its NULL.
    """
    head = 100 if number == 1 else 0
    kind = page[head]
    if kind not in (_INDEX_INTERIOR, _INDEX_LEAF, _TABLE_LEAF):
        return
    cells = int.from_bytes(page[head + 3 : head + 5], "big")
    array = head + (12 if kind == _INDEX_INTERIOR else 8)
    for n in range(min(cells, (USABLE_BYTES - array) // 2)):
        at = int.from_bytes(page[array + 2 * n : array + 2 * n + 2], "big")
        try:
            yield _record(page, at, kind, pages)
        except (IndexError, ValueError, KeyError, struct.error):
            continue


def _record(page: bytes, at: int, kind: int, pages: Lookup) -> list[Value]:
    if kind == _INDEX_INTERIOR:
        at += 4
    size, at = _varint(page, at)
    key: int | None = None
    if kind == _TABLE_LEAF:
        key, at = _varint(page, at)
    values = _values(_payload(page, at, size, kind == _TABLE_LEAF, pages))
    if key is not None and values and values[0] is None:
        values[0] = key
    return values


def _payload(page: bytes, at: int, size: int, table: bool, pages: Lookup) -> bytes:
    """Source: Database File Format, section 1.6, "Cell Payload Overflow Pages"."""
    whole = USABLE_BYTES - 35 if table else (USABLE_BYTES - 12) * 64 // 255 - 23
    if size <= whole:
        if at + size > USABLE_BYTES:
            raise ValueError("beyond the page")
        return page[at : at + size]
    least = (USABLE_BYTES - 12) * 32 // 255 - 23
    local = least + (size - least) % (USABLE_BYTES - 4)
    if local > whole:
        local = least
    parts = [page[at : at + local]]
    left = size - local
    follow = int.from_bytes(page[at + local : at + local + 4], "big")
    while left > 0:
        more = pages[follow]
        parts.append(more[4 : 4 + min(left, USABLE_BYTES - 4)])
        left -= USABLE_BYTES - 4
        follow = int.from_bytes(more[:4], "big")
    return b"".join(parts)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for n in range(8):
        byte = data[at + n]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + n + 1
    return _signed(value << 8 | data[at + 8], 8), at + 9


def _signed(value: int, size: int) -> int:
    return value - (1 << 8 * size) if value >> (8 * size - 1) else value


_INT_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def _values(payload: bytes) -> list[Value]:
    """Source: Database File Format, section 2.1, "Record Format"."""
    head, at = _varint(payload, 0)
    body = head
    values: list[Value] = []
    while at < head:
        kind, at = _varint(payload, at)
        if kind in _INT_BYTES:
            size = _INT_BYTES[kind]
            values.append(int.from_bytes(payload[body : body + size], "big", signed=True))
        elif kind == 7:
            size = 8
            values.append(struct.unpack_from(">d", payload, body)[0])
        elif kind >= 12:
            size = (kind - 12) // 2
            raw = payload[body : body + size]
            values.append(raw.decode() if kind % 2 else raw)
        else:
            size = 0
            values.append({0: None, 8: 0, 9: 1}[kind])
        body += size
        if body > len(payload):
            raise ValueError("beyond the record")
    return values
