"""Planted bugs: replacements of product functions that the tests keep, loaded by name and taken away again."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from sync.kernel.outcome import Unavailable

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "simulation" / "plants"


class Patch:
    """Replaces attributes; remembers what was there."""

    def __init__(self) -> None:
        self._kept: list[tuple[Any, str, Any]] = []

    def __call__(self, owner: Any, name: str, value: Any) -> Any:
        """Put `value` in place of an attribute that exists. Returns what was there."""
        was = owner.__dict__[name]
        self._kept.append((owner, name, was))
        setattr(owner, name, value)
        return was

    def edit(self, owner: Any, name: str, old: str, new: str) -> None:
        """Put a function with another text in its place: `old` must stand in it exactly once."""
        text = textwrap.dedent(inspect.getsource(owner.__dict__[name]))
        assert text.count(old) == 1, f"{name} no longer reads: {old}"
        room = owner if isinstance(owner, ModuleType) else sys.modules[owner.__module__]
        made: dict[str, Any] = {}
        exec(compile(text.replace(old, new), f"<planted {name}>", "exec"), room.__dict__, made)
        self(owner, name, made[name])

    def undo(self) -> None:
        for owner, name, was in reversed(self._kept):
            setattr(owner, name, was)
        self._kept.clear()


def names() -> list[str]:
    """Every plant there is."""
    return sorted(path.stem for path in FOLDER.glob("*.py"))


def load(name: str) -> ModuleType:
    """The module of a plant. Raises Unavailable `plant.unknown`."""
    path = FOLDER / f"{name}.py"
    if name not in names():
        raise Unavailable("plant.unknown", 0.0)
    spec = importlib.util.spec_from_file_location(f"plant_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def planted(name: str | None) -> Iterator[None]:
    """The product with this bug in it, within the block. None: the product as it is."""
    patch = Patch()
    try:
        if name is not None:
            load(name).plant(patch)
        yield
    finally:
        patch.undo()
