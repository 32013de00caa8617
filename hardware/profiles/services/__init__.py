"""Mapping files of vendors' local services that ship with the product. Both vendors here are invented."""

from __future__ import annotations

from importlib import resources

from hardware.codecs.service_mapping import ServiceMapping, read_mapping


def load(name: str) -> ServiceMapping:
    """A shipped mapping. KeyError when there is none of that name."""
    if name not in names():
        raise KeyError(name)
    return read_mapping(name, (resources.files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))


def names() -> tuple[str, ...]:
    """The shipped mappings, sorted."""
    found = (entry.name for entry in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))
