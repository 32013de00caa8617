"""What a twin was told, one JSON document a line, for whoever judges it later."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def now_at() -> str:
    """The instant as ISO 8601 in UTC with microseconds."""
    return datetime.now(UTC).isoformat()


class Journal:
    """Append-only. Each entry is in the file when `add` returns."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def add(self, entry: dict[str, Any]) -> None:
        with self._lock, self.path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(entry, ensure_ascii=False) + "\n")

    def entries(self) -> list[dict[str, Any]]:
        if not self.path.is_file():
            return []
        with self._lock:
            return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]
