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
FILE_BYTES_MAX = 1024 * 1024

M = TypeVar("M", bound=BaseModel)


def load(model: type[M], path: Path, environ: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> M:
    """Read `path` into `model`. Raises PeerFault `settings` with one sentence; unknown keys name the nearest known."""
    values = tables(path)
    for name, text in sorted(environ.items()):
        if name.startswith(PREFIX) and "__" in name:
            section, key = name.removeprefix(PREFIX).lower().split("__", 1)
            _put(values, section, key, _value(text))
    for dotted, value in (flags or {}).items():
        section, key = dotted.split(".", 1)
        _put(values, section, key, value)
    try:
        return model.model_validate(values)
    except ValidationError as fault:
        raise PeerFault("settings", _sentence(model, fault)) from None


def tables(path: Path) -> dict[str, Any]:
    """What the file says, unchecked; nothing where there is none. Raises PeerFault `settings`."""
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
        if len(raw) > FILE_BYTES_MAX:
            raise PeerFault("settings", f"{path.name}: longer than any settings are")
        return tomllib.loads(raw.decode("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as fault:
        raise PeerFault("settings", f"{path.name}: {fault.strerror}") from None
    except ValueError as fault:  # also text that is not UTF-8, and numbers of thousands of digits
        raise PeerFault("settings", f"{path.name}: {fault}") from None
    except RecursionError:
        raise PeerFault("settings", f"{path.name}: nested too deep") from None


def _put(values: dict[str, Any], section: str, key: str, value: Any) -> None:
    held = values.setdefault(section, {})
    if not isinstance(held, dict):
        raise PeerFault("settings", f"{section}: is a section, not a value")
    held[key] = value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
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
