"""Copy what the pages need of the npm packages into the folder that is served, with versions in the file names.

`python -m kiosk_ui.kit.assets` after `npm ci --ignore-scripts`; the second run changes nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path

HTMX_VERSION = "2.0.11"
SSE_VERSION = "2.2.4"
LUCIDE_VERSION = "1.62.0"

STATIC = Path(__file__).parent / "static"
VENDOR = STATIC / "vendor"
HTMX_FILE = f"htmx-{HTMX_VERSION}.min.js"
SSE_FILE = f"htmx-ext-sse-{SSE_VERSION}.js"

_ICON_WORDS = """
activity archive arrow-left arrow-right arrow-up-down arrow-up-right badge-check barcode battery battery-low
bell bell-off book-open box building-2 cable calendar calendar-clock calendar-days camera chart-column
chart-line check check-check chevron-down chevron-left chevron-right chevron-up circle-help circle-pause
circle-play clipboard-check clipboard-list clock copy cpu database download eye eye-off file-down file-plus
file-search file-spreadsheet file-text file-up filter flag folder folder-search footprints git-compare-arrows hand
hand-helping hard-drive hash history hospital house id-card inbox info key-round keyboard languages layers
layout-dashboard lightbulb link list list-checks lock log-in log-out map-pin menu message-square minus monitor
moon network notebook-pen package package-check package-open pause pencil pencil-line phone play plug plug-zap
plus printer qr-code radio receipt redo-2 refresh-cw rotate-ccw route save scan-barcode scan-face scan-line scan-text
scroll-text search send server settings shield shield-check signature skip-forward sliders-horizontal smartphone
square-pen step-forward sun table tag ticket timer trash-2 triangle-alert truck undo-2 upload usb user user-check
user-plus users volume-2 volume-x wifi wifi-off wrench x zap zoom-in
"""
ICONS = frozenset(_ICON_WORDS.split())


def icon_folder(vendor: Path) -> Path:
    """Where the icons of this version lie."""
    return vendor / f"lucide-{LUCIDE_VERSION}"


def plan(node_modules: Path, vendor: Path) -> dict[Path, Path]:
    """Target to source of every file, for the versions that this code was written against."""
    wanted = {"htmx.org": HTMX_VERSION, "htmx-ext-sse": SSE_VERSION, "lucide-static": LUCIDE_VERSION}
    for package, version in wanted.items():
        found = json.loads((node_modules / package / "package.json").read_text(encoding="utf-8"))["version"]
        if found != version:
            raise SystemExit(f"{package} is {found}, the pages want {version}: run `npm ci --ignore-scripts`")
    files = {
        vendor / HTMX_FILE: node_modules / "htmx.org" / "dist" / "htmx.min.js",
        vendor / SSE_FILE: node_modules / "htmx-ext-sse" / "dist" / "sse.min.js",
        vendor / f"LICENSE-htmx-{HTMX_VERSION}": node_modules / "htmx.org" / "LICENSE",
        vendor / f"LICENSE-lucide-{LUCIDE_VERSION}": node_modules / "lucide-static" / "LICENSE",
    }
    for name in sorted(ICONS):
        files[icon_folder(vendor) / f"{name}.svg"] = node_modules / "lucide-static" / "icons" / f"{name}.svg"
    return files


def copy(node_modules: Path, vendor: Path) -> int:
    """Bring `vendor` to exactly the planned files and a manifest of their hashes; how many there are."""
    files = plan(node_modules, vendor)
    absent = [source.name for source in files.values() if not source.is_file()]
    if absent:
        raise SystemExit(f"not in the npm packages: {', '.join(absent)}")
    manifest = {
        target.relative_to(vendor).as_posix(): hashlib.sha256(source.read_bytes()).hexdigest()
        for target, source in files.items()
    }
    text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    stamp = vendor / "manifest.json"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == text and all(target.is_file() for target in files):
        return len(files)
    shutil.rmtree(vendor, ignore_errors=True)
    for target, source in files.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    stamp.write_text(text, encoding="utf-8")
    return len(files)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node-modules", type=Path, default=Path(__file__).parents[2] / "node_modules")
    parser.add_argument("--into", type=Path, default=VENDOR)
    asked = parser.parse_args(argv)
    if not asked.node_modules.is_dir():
        print("no node_modules folder: run `npm ci --ignore-scripts` first", file=sys.stderr)
        return 1
    print(f"{copy(asked.node_modules, asked.into)} front-end files in {asked.into.name}/")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
