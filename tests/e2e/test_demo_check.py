"""The courier's whole day, played on the real programs with the line cut, and judged from outside."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from provisioning.demo.office import lacking

DAY_S = 900


@pytest.mark.row("F10.2")
@pytest.mark.row("F10.4")
@pytest.mark.parametrize("more", [[], ["--hub-store", "own"]], ids=["sqlite", "postgres"])
def test_the_scripted_day_holds(tmp_path: Path, more: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from provisioning.cli import main; main()", "demo", "--check", "--seed", "7", "--json",
         "--dir", str(tmp_path / "demo"), *more],
        capture_output=True, check=False, timeout=DAY_S, cwd=Path(__file__).parents[2])  # fmt: skip
    assert done.stdout, done.stderr.decode()[-2000:]
    document = json.loads(done.stdout)
    assert document["ok"], json.dumps({k: document[k] for k in document if k != "figures"}, ensure_ascii=False)
    assert done.returncode == 0
    assert document["figures"]["records"] == 400
    assert document["figures"].get("office_page") == ("confirmed" if not lacking() else None)
