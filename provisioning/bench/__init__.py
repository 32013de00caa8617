"""Benchmarks with their baseline in the same run: absolute figures drift on shared machines, ratios hold."""

from __future__ import annotations

from importlib import import_module
from typing import Any

NAMES = ("scan", "sync", "lone", "wire")


def run(name: str, **options: Any) -> dict[str, Any]:
    """One benchmark's document. KeyError for a name that is not in `NAMES`."""
    if name not in NAMES:
        raise KeyError(name)
    told: dict[str, Any] = import_module(f"provisioning.bench.{name}").run(**options)
    return told
