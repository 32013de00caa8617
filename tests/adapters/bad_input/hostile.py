"""What nobody should send, and somebody will."""

from __future__ import annotations

import gzip
from typing import Any

TEXTS = (
    "",
    " ",
    "<script>alert(1)</script>",
    "'; DROP TABLE log; --",
    '" OR 1=1 --',
    "../../../../etc/passwd",
    "\x00\x01\x1b[2J",
    "\u202eRTL\u2066",
    "{{ 7 * 7 }}${7*7}%s%n",
    "=cmd|' /C calc'!A0",
    "💥" * 40,
    "9" * 400,
    "x" * 20_000,
    "2026-02-30",
    "WAY1:" + "A" * 300,
    "courier-aaaaaaaa/0000000000000001/1/1",
    "courier-aaaaaaaa/-1/9/99999999999999999999999",
)
WHOLES: tuple[Any, ...] = (-1, 0, 1, 2**31, 2**63 - 1, -(2**63), 10**15)
LISTS: tuple[Any, ...] = ([], ["<b>"], ["x"] * 2000, [[]], [None], [1, "x", {}])
OF_TYPE: dict[type, tuple[Any, ...]] = {
    str: TEXTS,
    int: WHOLES,
    list: LISTS,
    bool: (True, False),
    dict: ({}, {"1000-01-01": True}, {"<b>": 1, "": {}}),
    type(None): (None,),
}

JSON_BODIES = (
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"\xff\xfe\x00",
    b'{"a": NaN}',
    b'{"a": 1e999}',
    b'{"a": 1, "a": 2}',
    b'{"a": 123456789012345678901234567890}',
    b'{"a": "\\ud800"}',
    b'{"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    b'{"<script>": "x"}',
    b'{"a": "' + b"x" * 100_000 + b'"}',
)
"""Every one is no JSON that a door takes."""

_PLAIN = b'{"a": "x"}'
JSON_KINDS: tuple[tuple[str, dict[str, str], bytes], ...] = (
    ("application/json", {}, b"\xef\xbb\xbf" + _PLAIN),
    ("application/json; charset=utf-16", {}, _PLAIN.decode().encode("utf-16")),
    ("application/json; charset=utf-16", {}, _PLAIN),
    ("application/json; charset=nonsense", {}, _PLAIN),
    ("application/json", {}, _PLAIN.decode().encode("utf-32-le")),
    ("application/json", {"Content-Encoding": "gzip"}, gzip.compress(_PLAIN)),
    ("application/json", {"Content-Encoding": "gzip"}, gzip.compress(bytes(2_000_000))),
    ("application/json", {"Content-Encoding": "br, nonsense"}, _PLAIN),
    ("application/json", {"Transfer-Encoding": "chunked"}, _PLAIN),
    ("application/JSON;;;=", {}, _PLAIN),
    ("text/json", {}, _PLAIN),
    ("application/json, text/plain", {}, _PLAIN),
    ("application/problem+json", {}, _PLAIN),
    ("application/x-www-form-urlencoded; charset=nonsense", {}, b"a=\xff"),
    ("application/x-www-form-urlencoded; charset=utf-7", {}, b"a=+ADw-script+AD4-"),
    ("multipart/form-data; boundary=" + "x" * 5000, {}, b"--x--"),
    ("multipart/form-data; boundary=\"\"", {}, b"----"),
    ("multipart/form-data; boundary=x", {}, b"--x\r\n" * 5000),
    ("multipart/form-data; boundary=x", {}, b"--x\r\nContent-Disposition: form-data; name=a\r\n" + b"X: y\r\n" * 5000),
    ("multipart/form-data; boundary=x", {}, b"--x\r\nContent-Disposition: form-data; name=\xff\xfe\r\n\r\nb\r\n--x--"),
    ("multipart/form-data; boundary=x", {},
     b"--x\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\n\xff\r\n--x--\r\n"),
    ("multipart/mixed; boundary=x", {}, b"--x\r\n\r\n--x--"),
)  # fmt: skip
"""(Content-Type, further headers, body): encodings that a door does not speak, or speaks and gets nonsense."""

OTHER_BODIES: tuple[tuple[str, bytes], ...] = (
    ("application/x-www-form-urlencoded", b"%%%=%zz&&=&a=%ff%fe"),
    ("application/x-www-form-urlencoded", b"&".join(b"f%d=1" % n for n in range(3000))),
    ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="file"; filename="../../a"\r\n'),
    ("multipart/form-data", b"no boundary"),
    ("application/octet-stream", bytes(range(256)) * 40),
    ("text/csv", b'\x00\xff,\n"\n'),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK\x03\x04" + b"\x00" * 100),
    ("", b"x"),
)
PATHS = ("x", "%00", "%2e%2e%2f", "%3Cscript%3E", "'%20OR%201=1--", "0" * 16, "-1", "A" * 2000, "%F0%9F%92%A5", "%ff")
FIELDS = (
    "stay", "number", "reason", "code", "badge", "ward", "wards", "sure", "on", "note", "next", "to", "pin", "outcome",
    "initials", "id", "handin", "fact", "decision", "courier", "by_hand", "at", "round", "role", "working", "user", "q",
    "password", "name", "limit", "known", "from",
)  # fmt: skip
"""Names that forms of either node use."""

SCANS: tuple[bytes, ...] = (
    *(text.encode("utf-8") for text in TEXTS if len(text) > 1),
    bytes(range(0x20)).replace(b"\r", b"").replace(b"\n", b"").replace(b"\t", b""),
    b"\xff\xfe\xfd" * 20,
    b"\x00" * 200,
    b"]C1" + b"0" * 40,
    b"]",
    "\uff11\uff12\u3000\uff1c".encode(),
    b"WB" + b"\x7f" * 100,
    b"WAY1:",
    b"way1:" + b"0" * 50,
    b"10000001-1-1-1",
    b"-1",
    b"10000001-" + b"9" * 50,
    b"A" * 5000,
    b"A" * 10_000_000,
)
"""What a gun with wrong settings, a strange barcode or a bad cable sends. None of it names a record."""
