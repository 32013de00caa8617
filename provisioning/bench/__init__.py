"""Benchmarks with their baseline in the same run: absolute figures drift on shared machines, ratios hold."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from inspect import signature
from typing import Any

NAMES = ("scan", "sync", "lone", "wire", "herd", "backlog", "bootstrap", "hub-scale", "decode")


def run(name: str, **options: Any) -> dict[str, Any]:
    """One benchmark's document. KeyError for a name that is not in `NAMES`."""
    if name not in NAMES:
        raise KeyError(name)
    told: dict[str, Any] = _room(name).run(**options)
    return told


def takes(name: str, options: Iterable[str]) -> bool:
    """Whether this benchmark can be told all of these."""
    return set(options) <= set(signature(_room(name).run).parameters)


def _room(name: str) -> Any:
    return import_module(f"provisioning.bench.{name.replace('-', '_')}")
