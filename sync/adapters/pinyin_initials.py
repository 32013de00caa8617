"""Pinyin initials of a name, for search and for confirming a typed number: 欧阳晓 is OYX.

A surname is read the way surnames are, which a dictionary of words gets wrong for some of them. Latin words give
their first letters. A character that no dictionary has stands for itself.
"""

from __future__ import annotations

import unicodedata
from itertools import chain

# Surnames whose initial differs from the one that pypinyin gives the single character.
# Written down by hand from how these surnames are said; not checked against a published list.
SURNAMES = {
    "单": "S", "解": "X", "仇": "Q", "曾": "Z", "查": "Z", "区": "O", "乐": "Y", "翟": "Z", "覃": "Q", "折": "S",
    "种": "C", "召": "S", "祭": "Z", "句": "G", "秘": "B", "不": "F", "重": "C", "郇": "X", "阚": "K", "隗": "W",
    "繁": "P", "会": "G", "粘": "N", "炅": "G", "乜": "N", "乘": "S",
}  # fmt: skip
COMPOUND = {"尉迟": "YC", "万俟": "MQ", "单于": "CY", "澹台": "TT", "长孙": "ZS"}


def initials(name: str) -> str:
    """Upper-case initials; blanks and punctuation are left out."""
    plain = unicodedata.normalize("NFKC", name).strip()
    if plain[:2] in COMPOUND:
        return COMPOUND[plain[:2]] + _rest(plain[2:])
    if plain[:1] in SURNAMES:
        return SURNAMES[plain[0]] + _rest(plain[1:])
    return _rest(plain)


def _rest(text: str) -> str:
    """Initials of what is not a surname; each run of letters is one word."""
    from pypinyin import Style, lazy_pinyin

    out: list[str] = []
    word = False
    for char in text:
        latin = "LATIN" in unicodedata.name(char, "")
        if latin:
            if not word:
                out.append(unicodedata.normalize("NFD", char)[0].upper())
        elif char.isalnum():
            found = lazy_pinyin(char, style=Style.NORMAL)
            out.append("".join(chain.from_iterable(found))[:1].upper() or char)
        word = latin
    return "".join(out)
