"""One way to read settings: TOML, then `WAYSTATION_SECTION__KEY`, then what the caller passes; unknown keys refused."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sync.kernel.outcome import PeerFault

PREFIX = "WAYSTATION_"

M = TypeVar("M", bound=BaseModel)


def load(model: type[M], path: Path, environ: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> M:
    """Read `path` into `model`. Raises PeerFault `settings` with one sentence; unknown keys name the nearest known."""
    try:
        values = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise PeerFault("settings", f"{path.name}: {fault}") from None
    for name, text in sorted(environ.items()):
        if name.startswith(PREFIX) and "__" in name:
            section, key = name.removeprefix(PREFIX).lower().split("__", 1)
            values.setdefault(section, {})[key] = _value(text)
    for dotted, value in (flags or {}).items():
        section, key = dotted.split(".", 1)
        values.setdefault(section, {})[key] = value
    try:
        return model.model_validate(values)
    except ValidationError as fault:
        raise PeerFault("settings", _sentence(model, fault)) from None


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _sentence(model: type[BaseModel], fault: ValidationError) -> str:
    error = fault.errors()[0]
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(where, sorted(known_keys(model)), n=1, cutoff=0.3)
        return f"no setting is called {where}" + (f"; did you mean {near[0]}" if near else "")
    return f"{where}: {error['msg']}"


def known_keys(model: type[BaseModel], prefix: str = "") -> set[str]:
    """Every dotted name a settings file may hold."""
    names: set[str] = set()
    for name, info in model.model_fields.items():
        names.add(prefix + name)
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            names |= known_keys(info.annotation, f"{prefix}{name}.")
    return names
