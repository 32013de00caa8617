"""Signature pads and face terminals: a file says how a vendor's local service is asked and how its answers read.

There is no common standard: each vendor ships a service on this machine that speaks JSON over HTTP or a WebSocket. The
file names paths, bodies, where in an answer the session, the state and the result are, and which states mean what.
What a body may hold is filled in from `{words}`; a path takes the service's own session and our request number alone,
so that no person gets into an address.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from sync.kernel.outcome import PeerFault

Kind = Literal["signature-pad", "face-terminal"]
Line = Literal["http", "websocket"]
State = Literal["waiting", "done", "cancelled", "failed"]
STATES: tuple[State, ...] = ("waiting", "done", "cancelled", "failed")
ANSWER_BYTES_MAX = 4 * 1024 * 1024
IMAGE_BYTES_MAX = 2 * 1024 * 1024
IN_PATHS = frozenset({"session", "request"})
_HOLE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Call:
    """One thing to say: a path and a body for HTTP, a body alone for a WebSocket."""

    body: Any = None
    path: str = ""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class ServiceMapping:
    """`states` is the vendor's word (as JSON writes it) to ours. `result_field` holds the image or the verdict."""

    name: str
    kind: Kind
    line: Line
    title_zh: str
    title_en: str
    url: str
    checklist: Mapping[str, str]
    start: Call
    poll: Call | None
    cancel: Call | None
    session_field: str
    state_field: str
    states: Mapping[str, State]
    result_field: str
    encoding: Literal["", "base64", "hex"] = ""
    passed: tuple[str, ...] = ()
    deadline_s: float = 90.0
    answer_s: float = 5.0
    poll_every_s: float = 0.5


@dataclass(frozen=True, slots=True, repr=False)
class ServiceStep:
    """What one answer says. `image` is the signature's picture file, `passed` the terminal's verdict; nothing else."""

    state: State
    session: str = ""
    image: bytes = b""
    passed: bool | None = None

    def __repr__(self) -> str:
        return f"<service {self.state}>"


def read_mapping(name: str, text: str) -> ServiceMapping:
    """A mapping from TOML. ValueError names the key that is unknown, missing or not to be."""
    told: dict[str, Any] = tomllib.loads(text)
    known = {field.name for field in fields(ServiceMapping)} - {"name"}
    required = known - {"poll", "cancel", "encoding", "passed", "deadline_s", "answer_s", "poll_every_s"}
    if unknown := sorted(set(told) - known):
        raise ValueError(f"service {name}: unknown key {unknown[0]}")
    if missing := sorted(required - set(told)):
        raise ValueError(f"service {name}: missing key {missing[0]}")
    if told["kind"] not in ("signature-pad", "face-terminal") or told["line"] not in ("http", "websocket"):
        raise ValueError(f"service {name}: kind or line")
    if told["line"] == "http" and "poll" not in told:
        raise ValueError(f"service {name}: missing key poll")
    if told.get("encoding", "") not in ("", "base64", "hex") or (
        told["kind"] == "signature-pad" and not told.get("encoding")
    ):
        raise ValueError(f"service {name}: encoding")
    if told["kind"] == "face-terminal" and not told.get("passed"):
        raise ValueError(f"service {name}: missing key passed")
    states = {_word(word): state for state, words in told["states"].items() for word in words}
    if wrong := sorted(set(told["states"]) - set(STATES)):
        raise ValueError(f"service {name}: state {wrong[0]}")
    calls = {key: _call(name, key, told.get(key)) for key in ("start", "poll", "cancel")}
    if calls["start"] is None:
        raise ValueError(f"service {name}: start")
    rest = {key: value for key, value in told.items() if key not in ("start", "poll", "cancel", "states", "passed")}
    return ServiceMapping(
        name=name, states=states, passed=tuple(_word(each) for each in told.get("passed", ())), start=calls["start"],
        poll=calls["poll"], cancel=calls["cancel"], **rest,
    )  # fmt: skip


def _call(name: str, key: str, told: Any) -> Call | None:
    if told is None:
        return None
    if not isinstance(told, dict) or (unknown := sorted(set(told) - {"body", "path", "method"})):
        raise ValueError(f"service {name}: {key}")
    call = Call(**told)
    if not set(_HOLE.findall(call.path)) <= IN_PATHS or (call.path and not call.path.startswith("/")):
        raise ValueError(f"service {name}: {key}.path takes {{session}} and {{request}} alone")
    assert not unknown
    return call


def filled(template: Any, words: Mapping[str, str]) -> Any:
    """The template with its `{words}` put in, as deep as it goes. KeyError for one that nobody gave."""
    if isinstance(template, str):
        return _HOLE.sub(lambda hole: words[hole[1]], template)
    if isinstance(template, dict):
        return {key: filled(each, words) for key, each in template.items()}
    if isinstance(template, list):
        return [filled(each, words) for each in template]
    return template


def read_step(mapping: ServiceMapping, answer: bytes | str) -> ServiceStep:
    """What an answer says. PeerFault `service.answer`, `.state`, `.result` for one that cannot be understood."""
    if len(answer) > ANSWER_BYTES_MAX:
        raise PeerFault("service.answer")
    try:
        told = json.loads(answer)
    except (ValueError, RecursionError):
        raise PeerFault("service.answer") from None
    session = _field(told, mapping.session_field)
    state = mapping.states.get(_word(_field(told, mapping.state_field)))
    if state is None:
        raise PeerFault("service.state")
    name = session if isinstance(session, str) else str(session) if isinstance(session, int) else ""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{0,80}", name):
        raise PeerFault("service.answer")
    if state != "done":
        return ServiceStep(state, name)
    result = _field(told, mapping.result_field)
    if mapping.kind == "face-terminal":
        if result is None:
            raise PeerFault("service.result")
        return ServiceStep(state, name, passed=_word(result) in mapping.passed)
    return ServiceStep(state, name, image=_image(result, mapping.encoding))


def _image(result: Any, encoding: str) -> bytes:
    if not isinstance(result, str) or not result:
        raise PeerFault("service.result")
    text = re.sub(r"\Adata:[a-z/+-]{0,40};base64,", "", result)
    try:
        image = bytes.fromhex(text) if encoding == "hex" else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise PeerFault("service.result") from None
    if not 0 < len(image) <= IMAGE_BYTES_MAX:
        raise PeerFault("service.result")
    return image


def _field(told: Any, path: str) -> Any:
    """`data.items.0.state`: names and places, None where there is no such thing."""
    for part in path.split(".") if path else ():
        if isinstance(told, dict):
            told = told.get(part)
        elif isinstance(told, list) and part.isascii() and part.isdigit() and int(part) < len(told):
            told = told[int(part)]
        else:
            return None
    return told


def _word(value: Any) -> str:
    """A value as JSON writes it, so that `true`, `1` and `"1"` stay three things."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str | int | float | bool) else ""


MASKED_IMAGE = bytes.fromhex("89504e470d0a1a0a") + b"masked"
"""Begins as a picture does, and is none."""


def answer_for(mapping: ServiceMapping, step: ServiceStep) -> bytes:
    """An answer of this vendor that says so, with a masked image: how a recording speaks again."""
    word = next((word for word, state in mapping.states.items() if state == step.state), '"?"')
    told: dict[str, Any] = {}
    _put(told, mapping.session_field, step.session)
    _put(told, mapping.state_field, json.loads(word))
    if step.passed is not None:
        _put(told, mapping.result_field, json.loads(mapping.passed[0]) if step.passed else "masked")
    elif step.state == "done":
        image = MASKED_IMAGE.hex() if mapping.encoding == "hex" else base64.b64encode(MASKED_IMAGE).decode()
        _put(told, mapping.result_field, image)
    return json.dumps(told).encode()


def _put(told: dict[str, Any], path: str, value: Any) -> None:
    *parts, last = path.split(".")
    for part in parts:
        told = told.setdefault(part, {})
    told[last] = value
