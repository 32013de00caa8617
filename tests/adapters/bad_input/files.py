"""List and message files that a person may bring by mistake or in malice, each with a name. All people are invented.

Source: ECMA-376 part 2 (a workbook's package), APPNOTE.TXT 6.3 (ZIP), RFC 4180 (CSV), HL7 v2.5 chapter 2.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import openpyxl

Kinds = dict[str, bytes]

HEAD = "病案号,住院次数,姓名,性别,病区,入院日期,出院日期\n"
ROW = "00970001,1,甄一,女,W12,2026-11-01,2026-11-17\n"
_SIDE = (
    "", "<script>alert(1)</script>", "'; DROP TABLE log; --", "../../etc/passwd", "=cmd|' /C calc'!A0", "\x07\x1b[2J",
    "9" * 400, "x" * 20_000, "2026-02-30", "\u202e\u2066", "💥" * 90, "-1", "NaN", "#REF!", "99999-99-99", "\x00",
)  # fmt: skip


def lists() -> Kinds:
    """Nothing of these is a list that can be read, or every line of it is wrong."""
    whole = (HEAD + ROW).encode()
    made: Kinds = {
        "no bytes": b"",
        "white space": b" \r\n\t" * 50,
        "a zero": b"\0",
        "a picture": b"\x89PNG\r\n\x1a\n" + bytes(99),
        "a page": b"<html><table><tr><td>1",
        "JSON": b'{"a": [1, 2]}',
        "PDF": b"%PDF-1.7\n%\xff",
        "an old sheet": bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600),
        "a locked sheet": bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage".encode("utf-16-le"),
        "gzip": b"\x1f\x8b\x08" + bytes(50),
        "7z": b"7z\xbc\xaf\x27\x1c" + bytes(40),
        "RAR": b"Rar!\x1a\x07\x01\0" + bytes(40),
        "a program": b"\x7fELF" + bytes(200),
        "quotes alone": b'"' * 4000,
        "commas alone": b"," * 4000,
        "line ends alone": b"\n" * 4000 + b"x",
        "an open quote": (HEAD + '"00970001,1,' + "x" * 4000).encode(),
        "a thousand columns": b",".join([b"x"] * 1000) + b"\n" + b",".join([b"1"] * 1000),
        "one endless line": b"x" * 300_000,
        "a header of one word": "病案号\n00970001\n".encode(),
        "a header and nothing": HEAD.encode(),
        "the header last": (ROW + HEAD).encode(),
        "half a character": whole[:-3] + b"\xe5\xa5",
        "Latin 1": HEAD.encode() + "00970001,1,\xe9\xe8,F,W12,,2026-11-17\n".encode("latin-1"),
        "UTF-16 without mark": whole.decode().encode("utf-16-le"),
        "UTF-32": whole.decode().encode("utf-32"),
        "UTF-7": whole.decode().encode("utf-7"),
        "bytes of every value": bytes(range(256)) * 20,
    }
    for at, field in enumerate(HEAD.strip().split(",")):
        for wrong in _SIDE:
            cells = ROW.strip().split(",")
            cells[at] = '"' + wrong.replace('"', '""') + '"'
            if at in (0, 1, 5, 6) and not (at in (1, 5) and wrong == ""):
                made[f"{field}: {wrong[:12]!r}"] = (HEAD + ",".join(cells) + "\n").encode()
    return made


def _workbook() -> bytes:
    book = openpyxl.Workbook()
    for line in (HEAD, ROW):
        book.active.append(line.strip().split(","))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _again(whole: bytes, change: dict[str, bytes | None], *, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(out, "w", how) as new:
        for name in old.namelist():
            data = change.get(name, old.read(name))
            if data is not None:
                new.writestr(name, data)
        for name in change.keys() - set(old.namelist()):
            new.writestr(name, change[name] or b"")
    return out.getvalue()


SHEET, BOOK, TYPES, STYLES = (
    "xl/worksheets/sheet1.xml",
    "xl/workbook.xml",
    "[Content_Types].xml",
    "xl/styles.xml",
)


def workbooks() -> Kinds:
    """Packages that are none, are cut, lie about themselves or would grow."""
    whole = _workbook()
    sheet = zipfile.ZipFile(io.BytesIO(whole)).read(SHEET)
    book = zipfile.ZipFile(io.BytesIO(whole)).read(BOOK)
    made: Kinds = {f"cut at {at}": whole[:at] for at in range(2, len(whole) - 1, 131)}
    end = whole.rindex(b"PK\x05\x06")
    middle = whole.index(b"PK\x01\x02")
    for name, at, new in (
        ("central size of 4 GiB", middle + 24, b"\xff\xff\xff\xff"),
        ("central size of nothing", middle + 24, bytes(4)),
        ("method of nobody", middle + 10, b"\x63\0"),
        ("a lock", middle + 8, b"\x01\0"),
        ("a local header elsewhere", middle + 42, b"\xff\xff\xff\x7f"),
        ("a name longer than the file", middle + 28, b"\xff\xff"),
        ("a directory elsewhere", end + 16, b"\xff\xff\xff\x7f"),
        ("a directory of no size", end + 12, bytes(4)),
        ("a checksum of nothing", middle + 16, bytes(4)),
    ):
        made[name] = whole[:at] + new + whole[at + len(new) :]
    bomb = bytes(40 * 1024 * 1024)
    made |= {
        f"without {part}": _again(whole, {part: None}) for part in (SHEET, BOOK, TYPES, "xl/_rels/workbook.xml.rels")
    }
    made |= {
        "a sheet of zeros": _again(whole, {SHEET: bomb}),
        "four of them": _again(whole, {f"xl/worksheets/s{n}.xml": bomb for n in range(4)}),
        "an endless row": _again(whole, {SHEET: sheet.replace(b"</row>", b"<c/>" * 400_000 + b"</row>", 1)}),
        "a million strings": _again(whole, {"xl/sharedStrings.xml": b"<sst>" + b"<si/>" * 5_000_000}),
        "a million styles": _again(whole, {STYLES: b"<styleSheet><cellXfs>" + b"<xf/>" * 200_000}),
        "two thousand parts": _again(whole, {f"x/{n}": b"" for n in range(2000)}),
        "a type and an entity": _again(whole, {SHEET: b'<!DOCTYPE a [<!ENTITY b "cc">]>' + sheet}),
        "laughing entities": _again(
            whole, {BOOK: b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><workbook>&c;</w>'}
        ),
        "an outer entity": _again(
            whole, {BOOK: b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><workbook>&b;</w>'}
        ),
        "a sheet in UTF-16": _again(whole, {SHEET: sheet.decode().encode("utf-16")}),
        "a sheet cut": _again(whole, {SHEET: sheet[: len(sheet) // 2]}),
        "a sheet of nothing": _again(whole, {SHEET: b""}),
        "a sheet of something else": _again(whole, {SHEET: b"<html/>"}),
        "a book of nothing": _again(whole, {BOOK: b""}),
        "a book without sheets": _again(whole, {BOOK: b"<workbook/>"}),
        "tags in tags": _again(whole, {SHEET: b"<a>" * 200_000}),
        "types of nothing": _again(whole, {TYPES: b""}),
        "a zero in the book": _again(whole, {BOOK: b"\0" + book}),
        "a ZIP of a ZIP": _again(whole, {SHEET: whole}),
        "a plain ZIP": _again(_empty(), {"a.txt": b"x"}),
        "an empty ZIP": _empty(),
        "a part out of its folder": _again(whole, {"../../../evil.xml": b"<x/>", SHEET: None}),
        "an absolute part": _again(whole, {"/etc/evil.xml": b"<x/>", SHEET: None}),
        "other compression": _again(whole, {SHEET: b"x"}, how=zipfile.ZIP_LZMA),
        "text after all": b"PK\x03\x04 no",
        "two letters": b"PK",
        "every cell an error": _again(
            whole, {SHEET: sheet.replace(b't="s"', b't="e"').replace(b't="inlineStr"', b't="e"')}
        ),
    }
    return made


def _empty() -> bytes:
    out = io.BytesIO()
    zipfile.ZipFile(out, "w").close()
    return out.getvalue()


_MSH = "MSH|^~\\&|HIS|XH|WAY|XH|20261117100000||ADT^A03|{id}|P|2.5||||||UNICODE UTF-8\r"
_REST = "EVN|A03|20261117100000\rPID|1||00970001||甄一||19700101|F\rPV1|1|I|W12||||||||||||||||1\r"


def good_message(number: str, control: str) -> bytes:
    return (_MSH.format(id=control) + _REST.replace("00970001", number)).encode()


def messages() -> Kinds:
    """HL7 messages, unframed, of which none says anything that may be taken."""
    whole = _MSH.format(id="970") + _REST
    made: Kinds = {
        "nothing": b"",
        "a line end": b"\r",
        "noise": bytes(range(1, 11)) * 40,
        "text": "你好".encode(),
        "MSH": b"MSH",
        "five bars": b"MSH|||||",
        "letters for bars": whole.replace("|", "A").encode(),
        "a bell for a bar": whole.replace("|", "\x07").encode(),
        "no line ends": whole.replace("\r", " ").encode(),
        "header last": (_REST + _MSH.format(id="970")).encode(),
        "two headers": (_MSH.format(id="970") * 2).encode(),
        "a header alone": _MSH.format(id="970").encode(),
        "three thousand segments": whole.encode() + b"ZZZ|1\r" * 3000,
        "an endless segment": whole.encode() + b"NTE|" + b"x" * 500_000,
        "endless bars": whole.encode() + b"|" * 500_000,
        "another charset than said": whole.encode("gb18030")[:-20] + b"\xff\xff\r",
        "UTF-16": whole.encode("utf-16"),
        "zeros": bytes(5000),
        "XML": b"<ADT_A03/>",
        "FHIR": b'{"resourceType": "Encounter"}',
        "X12": b"ISA*00*          *00*",
    }
    lines = [line.split("|") for line in whole.strip("\r").split("\r")]
    for at, name, place, wrongs in (
        (0, "type", 8, ("", "ADT^A99", "ORU^R01", "^A03", "adt^a03")),
        (0, "control id", 9, ("", "x" * 300, "x" * 5000)),
        (0, "processing id", 10, ("T", "X", "P" * 100)),
        (0, "version", 11, ("", "3.0", "9", "2.5" * 50)),
        (
            1,
            "event time",
            2,
            ("2026-11-17", "20260230", "19691231", "21000101120000", "20261117256000", "x", "9" * 400),
        ),
        (2, "number", 3, ("", "12", "'; DROP TABLE log;--", "9" * 200_000, "<b>", "~" * 500, "^^^" * 200, "..")),
        (2, "name", 5, ("", "\x07", "张" * 90, "\\.sk99999999\\", "\\X0D\\", "half \\ an escape", "\\Z\\" * 999)),
        (3, "ward", 3, ("", "心内科", "x" * 400, "../..", "W 1")),
        (3, "stay", 19, ("ZY2026110012345", "1.5", "9" * 300, "<b>")),
        (3, "admitted", 44, ("20261118", "x", "20260230")),
    ):
        for wrong in wrongs:
            changed = [list(fields) for fields in lines]
            changed[at] += [""] * (place + 1 - len(changed[at]))
            changed[at][place] = wrong
            made[f"{name}: {wrong[:16]!r}"] = ("\r".join("|".join(fields) for fields in changed) + "\r").encode()
    for at in range(1, len(whole) - 40, 7):
        made[f"cut at {at}"] = whole[:at].encode()
    return made


def framed(messages: Kinds) -> Iterator[tuple[str, bytes]]:
    """The same on the line: framed, and with framing that is none."""
    for name, raw in messages.items():
        yield name, b"\x0b" + raw + b"\x1c\r"
    good = good_message("00970002", "971")[:-60]
    yield from (
        ("two starts", b"\x0b\x0bMSH|x\x1c\r"),
        ("an end before a start", b"\x1c\r\x0bx\x1c\r"),
        ("an end in the middle", b"\x0b" + good[:40] + b"\x1c\r"),
        ("noise before", b"noise" * 99 + b"\x0bx\x1c\r"),
        ("no return behind the end", b"\x0bx\x1c"),
        ("an empty frame", b"\x0b\x1c\r"),
        ("frames in frames", b"\x0bMSH|\x0bMSH|\x0bx\x1c\r"),
        ("an end mark twice", b"\x0bx\x1c\x1c\r\r"),
    )
