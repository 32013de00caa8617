"""A new hub lets its first administrator in by a file that only the machine's owner can read."""

from __future__ import annotations

import json
from pathlib import Path

from hub.features.people.service import People, Wish
from hub.store.desk import Desk
from sync.adapters.keys import create_secret

FILE = "first-account.json"


def let_first_in(people: People, desk: Desk, folder: Path) -> None:
    """Make the first account and its file, unless somebody administers this hub already."""
    if people.has_administrator():
        return
    desk.settle()
    if people.has_administrator():
        return
    password = desk.store.entropy.bytes(9).hex()
    wish = Wish("admin", "中心管理员", ["administrator"], password=password)
    made = people.save(wish, None, new=people.one("u-admin") is None)
    assert isinstance(made, str), "the first account is well formed"
    path = folder / FILE
    path.unlink(missing_ok=True)
    create_secret(path, (json.dumps({"user": "admin", "password": password}) + "\n").encode())
