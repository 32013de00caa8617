"""What may be written down of the talk with a print server: every question, of each answer the fields that count.

No document and nothing of one: of what is printed a recording knows its length, whether it was sent before, and how it
was wished. Names of print jobs are ours (`document_trail`); of an address, which may bear a password, the way is kept.

A recording is a file of JSON documents, one a line: `{"speaks": "cups", "raw", "counts", "wall_ms"}`, then per call of
the driver `{"call": "status"}` or `{"call": "print", "job", "paper": bytes, "no": n-th different paper, "ticket",
"trail"}`, its questions `{"ask", "ok"}`, `{"ask", "refused": IPP status}` or `{"ask", "away": code}`, and
`{"end": [state, reason]}`; each has `at_s`, seconds since the beginning. `{"same": k}` says that so many rounds like
the last one were left out; a round begins with a call, or with a question that this round had.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

ONCE: Final = "once:/"
LIST_MAX = 50
_WORD = re.compile(r"[a-zA-Z0-9._:/,-]{1,80}")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,20}(?=:)")

Keep = Callable[[Any], Any]


def plain_uri(uri: Any) -> str:
    """The way to a printer without its place: `once:/ipp://printer`."""
    told = str(uri)
    scheme = _SCHEME.match(told.removeprefix(ONCE))
    return f"{ONCE if told.startswith(ONCE) else ''}{scheme[0]}://printer" if scheme else ""


def _number(value: Any) -> int | None:
    return value if type(value) is int else None


def _flag(value: Any) -> bool:
    return value is True


def _word(value: Any) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def _words(value: Any) -> list[str]:
    return [word for word in map(_word, value[:LIST_MAX]) if word] if isinstance(value, list) else []


def _fields(**keeps: Keep) -> Keep:
    def keep(value: Any) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            return None
        return {name: keep(value[name]) for name, keep in keeps.items() if name in value}

    return keep


def _each(keep: Keep) -> Keep:
    return lambda value: [keep(one) for one in value[:LIST_MAX]] if isinstance(value, list) else []


_JOB = _fields(number=_number, uuid=_word, name=_word, state=_number, reasons=_words)
_AT_PRINTER = _fields(number=_number, state=_number, reasons=_words, sides=_number)
_ANSWERS: Final[dict[str, Keep]] = {
    "queue": _fields(state=_number, reasons=_words, accepting=_flag, device_uri=plain_uri),
    "make": _JOB,
    "free": _flag,
    "job": _JOB,
    "named": _each(_JOB),
    "cancel": _flag,
    "printer": _fields(state=_number, reasons=_words, accepting=_flag, up_s=_number, jobs=_each(_AT_PRINTER)),
    "cancel_at_printer": _flag,
}
_ASKED: Final[dict[str, Keep]] = {
    "queue": _word, "name": _word, "start": _word, "format": _word, "uuid": _word, "number": _number, "uri": plain_uri,
    "options": lambda value: {_word(name): _word(wish) for name, wish in value.items()},
}  # fmt: skip


def kept_question(do: str, what: dict[str, Any]) -> dict[str, Any]:
    return {"do": do, **{name: _ASKED[name](value) for name, value in what.items()}}


def kept_answer(do: str, answer: Any) -> Any:
    return _ANSWERS[do](answer)


def like(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> bool:
    """Whether two rounds went alike: time apart, of which a printer's running time is one."""
    return [_timeless(entry) for entry in one] == [_timeless(entry) for entry in other] and all(
        abs(_since_s(a) - _since_s(b)) <= 2 for a, b in zip(one, other, strict=True)
    )


def _timeless(entry: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in entry.items() if name != "at_s"}
    if isinstance(kept.get("ok"), dict):
        kept["ok"] = {name: value for name, value in kept["ok"].items() if name != "up_s"}
    return kept


def _since_s(entry: dict[str, Any]) -> float:
    """When the printer was switched on, on the recording's clock; 0 of an entry that does not tell."""
    told = entry.get("ok")
    return float(entry["at_s"] - told["up_s"]) if isinstance(told, dict) and told.get("up_s") else 0.0
