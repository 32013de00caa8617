"""A box on a disk that fills up. Run as a program on a small file system of its own: `python full_disk.py FOLDER`.

Prints one JSON document of what a person met.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from appliance.boot import Box
from appliance.pages import make_pages
from provisioning.bench import box as made

PATIENCE_S = 60.0


def fill(path: Path) -> None:
    """Take every byte that is left."""
    size = 1024 * 1024
    with open(path, "ab", buffering=0) as file:
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
        os.fsync(file.fileno())


def day(folder: Path) -> dict[str, object]:
    made.make_box(folder, records=3000)
    box = Box(folder, {})
    assert isinstance(box.collecting.open_round(made.WARD, made.COURIER), str)
    kept, n = [], 0

    def scan() -> str:
        nonlocal n
        box.collecting.scanner.scan(made.record_no(n), "gun-1")
        last = box.collecting.scanner.last
        assert last is not None
        if last.refused is None:
            kept.append(str(last.fact))
            n += 1
        return "" if last.refused is None else last.refused.code

    while n < 20:
        assert scan() == ""
    ballast = folder / "ballast"
    refused, rounds = [], 0
    # What the reserve gives back is filled again, until nothing is left to give.
    while len(refused) < 3:
        fill(ballast)
        rounds += 1
        assert rounds < 2000
        if code := scan():
            refused.append(code)
    client = make_pages(box).test_client()
    client.get("/sign-in", base_url="http://127.0.0.1")
    pages = {
        lang: client.get(f"/sign-in?lang={lang}", base_url="http://127.0.0.1").status_code for lang in ("zh", "en")
    }
    with box.store.read() as conn:
        readable = conn.execute("SELECT count(*) FROM custody_taken").fetchone()[0]
    ballast.unlink()
    freed_at = time.monotonic()
    while scan():
        assert time.monotonic() - freed_at < PATIENCE_S, "there is room again, and it is not taken"
        time.sleep(0.2)
    reserve = (folder / "data" / "reserve").stat().st_size
    box.store.close()
    again = Box(folder, {})
    with again.store.read() as conn:
        held = {f"{r[0]}/{r[1]:016x}/{r[2]}/{r[3]}" for r in conn.execute(
            "SELECT s.node, s.incarnation, s.lane, l.seq FROM log l JOIN stream s ON s.id = l.stream")}  # fmt: skip
    again.store.close()
    return {"refused": refused, "pages": pages, "readable": readable, "kept": len(kept), "reserve": reserve,
            "lost": sorted(set(kept) - held)}  # fmt: skip


def restart_when_full(folder: Path) -> dict[str, object]:
    made.make_box(folder, records=10)
    box = Box(folder, {})
    box.store.close()
    fill(folder / "ballast")
    again = Box(folder, {})
    opened = again.store.incarnation != 0
    again.store.close()
    return {"opened": opened}


if __name__ == "__main__":
    print(json.dumps({"day": day, "restart": restart_when_full}[sys.argv[1]](Path(sys.argv[2]))))
