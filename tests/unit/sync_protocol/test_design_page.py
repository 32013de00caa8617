"""The page that tells the protocol draws the tables that the code runs on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sync.protocol import blob, states
from sync.protocol.lease_states import LEASE

PAGE = Path(__file__).parents[3] / "sync" / "DESIGN.md"


@pytest.mark.parametrize(
    "table", [states.SESSION, states.OUTBOUND, LEASE, blob.TRANSFER], ids=["session", "stream", "lease", "blob"]
)
def test_the_page_draws_the_table(table: states.Table) -> None:
    drawn = re.findall(r"```mermaid\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert states.mermaid(table) in drawn, "draw it anew with states.mermaid"


def test_the_page_names_only_rooms_that_are_there() -> None:
    root = PAGE.parents[1]
    for name in re.findall(r"`([a-z_./]+(?:/|\.md|\.py))`", PAGE.read_text("utf-8")):
        assert (root / name).exists() or (root / "sync" / name).exists(), name
