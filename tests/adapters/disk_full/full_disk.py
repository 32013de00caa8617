"""A box on a disk that fills up. Run as a program on a small file system of its own: `python full_disk.py FOLDER`.

Prints one JSON document of what a person met.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from appliance.boot import Box
from appliance.pages import make_pages
from appliance.store.room import free_bytes
from provisioning.bench import box as made
from sync.adapters.sqlite_log import down, mirrors
from sync.domain.patients import facts as patients
from sync.domain.tracking import facts as tracking
from sync.kernel.outcome import Unavailable
from sync.protocol import room

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


def mirrors_go_first(folder: Path) -> dict[str, object]:
    """A hand-held at work on one ward carries another ward's long list when its disk fills up."""
    made.make_box(folder, records=1000)
    box = Box(folder, {})
    now_ms = box.clock.wall_ms()
    with box.store.write() as unit:
        down.enter_scope(unit, "ward:W02")
    entries = [
        made.entry(patients.listed(
            tracking.stay_key(made.record_no(50_000 + n), "1"), name=f"测试{n:05d}", sex="F", ward="W02",
            discharged_on="2026-11-17", initials="CS"), 50_000 + n, now_ms)
        for n in range(4000)
    ]  # fmt: skip
    down.apply_round(box.store, [down.Tail("ward:W02", 1, 4000, bytes(32), entries)], now_ms)
    assert isinstance(box.collecting.open_round(made.WARD, made.COURIER), str)

    def scan(n: int) -> str:
        box.collecting.scanner.scan(made.record_no(n), "gun-1")
        last = box.collecting.scanner.last
        assert last is not None
        return "" if last.refused is None else last.refused.code

    def taken() -> int:
        with box.store.read() as conn:
            return int(conn.execute("SELECT count(*) FROM custody_taken").fetchone()[0])

    def away() -> list[str]:
        with box.store.read() as conn:
            return [one.name for one in mirrors.gone(conn)]

    client = make_pages(box).test_client()
    signed = client.post("/api/v1/session", json={"badge": made.BADGE, "pin": made.PIN}, base_url="http://127.0.0.1")
    assert signed.status_code == 201, signed.text
    who = {"Authorization": f"Bearer {signed.get_json()['token']}"}
    for n in range(20):
        assert scan(n) == ""
    box.room.look()
    ballast, rounds, steps, refused, n = folder / "ballast", 0, [away()], [], 20
    leave(ballast, room.SHORT_BYTES - 1024 * 1024)
    box.room.look()
    steps.append(away())
    shrunk = free_bytes(folder) - (room.SHORT_BYTES - 1024 * 1024)
    works = scan(n)
    # What is given back is filled again, until nothing is left to give.
    while len(refused) < 6:
        leave(ballast, 0)
        rounds += 1
        assert rounds < 2000
        if code := scan(n + 1):
            refused.append(code)
        else:
            n += 1
        with suppress(Unavailable):
            box.room.look()
    if away() != steps[-1]:
        steps.append(away())
    full = taken()
    people = box.people.by_badge(made.BADGE) is not None
    said = {
        lang: client.get(f"/collect?lang={lang}", base_url="http://127.0.0.1", headers=who).text
        for lang in ("zh", "en")
    }
    ballast.unlink()
    end = time.monotonic() + PATIENCE_S
    while away():
        assert time.monotonic() < end, "there is room again, and nothing returns"
        box.room.look()
        if away() != steps[-1]:
            steps.append(away())
        with box.store.write(step="mirror.return") as unit:  # a round took it in
            unit.conn.execute("UPDATE cursor SET epoch = 1 WHERE label NOT IN (SELECT label FROM let_go)")
    after = scan(n + 1)
    box.store.close()
    return {"steps": steps, "works": works, "refused": refused, "kept": n + 1, "taken": full, "people": people,
            "said": said, "shrunk": shrunk, "after": after}  # fmt: skip


def leave(path: Path, left: int) -> None:
    """Take what is free but for `left` bytes."""
    if left == 0:
        fill(path)
        return
    with open(path, "ab", buffering=0) as file:
        take = free_bytes(path.parent) - left
        if take > 0:
            os.posix_fallocate(file.fileno(), path.stat().st_size, take)


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
    what = {"day": day, "restart": restart_when_full, "mirrors": mirrors_go_first}[sys.argv[1]]
    print(json.dumps(what(Path(sys.argv[2]))))
