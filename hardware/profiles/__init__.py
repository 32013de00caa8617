"""Models as data: one TOML file each, with settings and a checklist of what was looked at and why."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import resources
from typing import Any

LINES: Mapping[str, tuple[str, ...]] = {
    "camera": ("stream", "uvc"),
    "document-printer": ("ipp",),
    "gun": ("serial", "hid", "network"),
    "identity-reader": ("sam-v", "zone"),
    "label-printer": ("tspl", "zpl"),
    "pedal": ("hid",),
    "receipt-printer": ("escpos",),
    "scanner": ("escl", "folder", "sane"),
    "speaker": ("alsa",),
}
"""Kind of device to the lines it is spoken to over. A new kind is a line here, sorted."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a driver is told about a model. Fields that its kind has no use for keep their defaults."""

    name: str
    kind: str
    line: str
    title_zh: str
    title_en: str
    checklist: Mapping[str, str]
    baud: int = 9600
    silence_s: float = 0.08
    width_dots: int = 384
    dpi: int = 203
    cut: bool = True
    module_dots: int = 4
    poll_s: float = 0.4
    latest_address: bool = True
    counts_pages: bool = False
    page_s: float = 90.0
    settle_s: float = 1.0
    flatbed: str = "Flatbed"
    feeder: str = "ADF"
    feeder_duplex: str = "ADF Duplex"
    keys: tuple[int, ...] = ()


def read_profile(name: str, text: str) -> Profile:
    """A profile from TOML. ValueError names the key that is unknown, missing or of the wrong kind."""
    told: dict[str, Any] = tomllib.loads(text)
    known = {field.name for field in fields(Profile)} - {"name"}
    if unknown := sorted(set(told) - known):
        raise ValueError(f"profile {name}: unknown key {unknown[0]}")
    if missing := sorted({"kind", "line", "title_zh", "title_en", "checklist"} - set(told)):
        raise ValueError(f"profile {name}: missing key {missing[0]}")
    if told["line"] not in LINES.get(told["kind"], ()):
        raise ValueError(f"profile {name}: kind or line")
    return Profile(name, **{**told, "keys": tuple(told.get("keys", ()))})


def load(name: str) -> Profile:
    """A profile that ships with the product. KeyError when there is none of that name."""
    place = resources.files(__name__) / f"{name}.toml"
    if name not in names():
        raise KeyError(name)
    return read_profile(name, place.read_text(encoding="utf-8"))


def names() -> tuple[str, ...]:
    """The shipped profiles, sorted."""
    found = (entry.name for entry in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))
