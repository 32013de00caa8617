"""Which charset it was."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hub.features.imports.charset import decode_text
from sync.kernel.outcome import PeerFault


@pytest.mark.parametrize(
    ("data", "declared", "text", "charset", "why"),
    [
        ("张三".encode(), None, "张三", "utf-8", "plain UTF-8"),
        ("张三".encode("utf-8-sig"), None, "张三", "utf-8", "byte order mark"),
        ("张三".encode("gb18030"), None, "张三", "gb18030", "nothing said"),
        ("𠮷".encode("gb18030"), None, "𠮷", "gb18030", "four bytes"),
        ("张三".encode("gb18030"), "utf-8", "张三", "gb18030", "said UTF-8, sends GB18030"),
        ("张三".encode(), "gb18030", "张三", "utf-8", "said GB18030, sends UTF-8"),
        ("毛".encode("gb18030"), None, "毛", "gb18030", "also valid UTF-8 (ë); hanzi are likelier here"),
        ("毛".encode("gb18030"), "gb18030", "毛", "gb18030", "also valid UTF-8, declared"),
        ("Zoë".encode(), "utf-8", "Zoë", "utf-8", "declared Latin"),
        (b"ABC", None, "ABC", "utf-8", "ASCII"),
        (b"ABC", "gb18030", "ABC", "gb18030", "ASCII, the answer goes back as declared"),
        ("张三".encode("utf-16"), None, "张三", "utf-16", "a spreadsheet's Unicode text"),
    ],
)
def test_charsets(data, declared, text, charset, why):
    assert decode_text(data, declared) == (text, charset), why


@pytest.mark.parametrize("data", [b"\xff", b"\x80abc", "张".encode("gb18030")[:1], b"\xff\xfe\x00", b"abc\xe5\xff"])
def test_no_charset_fits(data):
    with pytest.raises(PeerFault) as caught:
        decode_text(data)
    assert caught.value.code == "text.encoding"


def _reads_as_chinese_utf8(data: bytes) -> bool:
    try:
        return max(data.decode()) >= "\u0800"
    except UnicodeDecodeError:
        return False


@given(
    st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1),
    st.sampled_from([None, "gb18030"]),
)
def test_chinese_text_survives_gb18030_unless_all_of_it_is_chinese_in_utf8_too(text, declared):
    data = text.encode("gb18030")
    assume(not _reads_as_chinese_utf8(data))
    assert decode_text(data, declared) == (text, "gb18030")


@given(st.binary(max_size=200))
def test_any_bytes(data):
    try:
        decode_text(data)
    except PeerFault as fault:
        assert fault.code == "text.encoding"
