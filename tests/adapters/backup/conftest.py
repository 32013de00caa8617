from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hub.boot import Hub
from hub.features.people.service import Wish
from hub.settings import read_settings
from provisioning.making.directories import make_hub

ROOT = Path(__file__).parents[3]
PASSWORD = "an invented password"
OFFLINE = {"WAYSTATION_BROKER__HOST": '""'}


def waystation(*words: str) -> tuple[int, Any]:
    """Run a command as a person does, with `--json`: (exit code, document)."""
    done = subprocess.run(
        [sys.executable, "-c", "from provisioning.cli import main; main()", *words, "--json"],
        capture_output=True,
        check=False,
        cwd=ROOT,
        timeout=300,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()[-3000:]
    return done.returncode, json.loads(done.stdout)


@contextmanager
def running(folder: Path) -> Iterator[Hub]:
    """The hub of a directory in this process, without a broker."""
    hub = Hub(folder, read_settings(folder, dict(OFFLINE)))
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()


def hire(hub: Hub, *users: str) -> None:
    """Facts of the hub's own: people."""
    for user in users:
        made = hub.people.save(Wish(user, f"某{user}", ["clerk"], password=PASSWORD), None, new=True)
        assert isinstance(made, str), made


def tables(hub: Hub) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that lasts, row by row, but what every start writes."""
    leave = {"meta", "stream", "log", "arrival", "tally", "audit_line", "sign_in_session"}
    with hub.store.read() as conn:
        names = [
            row[0]
            for row in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        ]
        return {
            name: sorted((tuple(row) for row in conn.execute(f"SELECT * FROM {name}")), key=repr)
            for name in names
            if name not in leave and not name.startswith("records_find_")
        }


@pytest.fixture
def site(tmp_path: Path) -> Callable[..., Path]:
    """Makes a hub's directory, of suite 1 unless told; its backup place is `tmp_path/place`."""
    (tmp_path / "place").mkdir()

    def make(suite: int = 1) -> Path:
        folder = tmp_path / "hub"
        make_hub(
            folder, site="s", name="n", hosts=(), admin="u-admin", password=PASSWORD,
            settings={"backup": {"place": str(tmp_path / "place")}}, suite=suite,
        )  # fmt: skip
        return folder

    return make
