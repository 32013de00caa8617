"""Lucide icons, inlined; read once from the files that set-up copied."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from markupsafe import Markup

from kiosk_ui.kit.assets import ICONS, VENDOR, icon_folder

_INNER = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


class AssetsMissing(RuntimeError):
    """Set-up has not copied the front-end files; `make setup` does."""


def check_assets(vendor: Path = VENDOR) -> None:
    """Found at start, not by the first reader."""
    if not icon_folder(vendor).is_dir():
        raise AssetsMissing(f"front-end files are missing in {vendor.name}/: run `make setup`")


@cache
def _inner(name: str) -> str:
    assert name in ICONS, f"icon {name!r} is not among those copied: add it to kiosk_ui.kit.assets.ICONS"
    text = (icon_folder(VENDOR) / f"{name}.svg").read_text(encoding="utf-8")
    found = _INNER.search(text)
    assert found is not None, f"icon {name!r} is no svg"
    return " ".join(found.group(1).split())


def icon(name: str, size: str = "") -> Markup:
    """An icon beside its words: hidden from readers, stroke of the text's colour. `size` is a class: s, l or xl."""
    css = f"icon icon-{size}" if size else "icon"
    return Markup(
        f'<svg class="{css}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
        f'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">{_inner(name)}</svg>'
    )
