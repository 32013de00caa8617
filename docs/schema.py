"""Prints the schema of facts as one JSON document, or freezes it as a released one.

    .venv/bin/python docs/schema.py                        what the program has now
    .venv/bin/python docs/schema.py --freeze 2             into tests/golden/schema/schema_2.json
    .venv/bin/python docs/schema.py --tree DIR --freeze 1  of another work tree, such as `git worktree add DIR cc3c188`

Another tree's rules may be too old to tell themselves in words; this tree's, which mean the same, take their place.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FROZEN = ROOT / "tests/golden/schema"
WORDS = ("sync.merge.shape", "sync.merge.schema")


def read(tree: Path) -> dict[str, Any]:
    """The schema of the catalogue in a work tree."""
    sys.path.insert(0, str(tree))
    if tree != ROOT:
        for name in WORDS:
            load(name)
    from sync import catalog

    return dict(sys.modules[WORDS[1]].told(catalog.ENTITY_TYPES, catalog.KINDS))


def load(name: str) -> None:
    """One module of this tree under its name, whatever tree the others come from."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"{name.replace('.', '/')}.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, default=ROOT)
    parser.add_argument("--freeze", type=int)
    asked = parser.parse_args()
    text = json.dumps(read(asked.tree.resolve()), ensure_ascii=False, indent=1) + "\n"
    if asked.freeze is None:
        print(text, end="")
        return 0
    target = FROZEN / f"schema_{asked.freeze}.json"
    if target.exists() and target.read_text("utf-8") != text:
        print(f"{target.name} is released and says something else; a change is the next number")
        return 1
    FROZEN.mkdir(parents=True, exist_ok=True)
    target.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
