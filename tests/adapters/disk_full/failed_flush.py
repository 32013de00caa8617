"""A box whose disk fails one flush. Run under `no_flush`: `python failed_flush.py FOLDER ORDER`; prints JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from appliance.boot import Box
from provisioning.bench import box as made


def main(folder: Path, order: Path) -> dict[str, object]:
    made.make_box(folder, records=50)
    box = Box(folder, {})
    assert isinstance(box.collecting.open_round(made.WARD, made.COURIER), str)
    kept, refused = [], []

    def scan(n: int) -> None:
        box.collecting.scanner.scan(made.record_no(n), "gun-1")
        last = box.collecting.scanner.last
        assert last is not None
        if last.refused is not None:
            refused.append(last.refused.code)
        elif last.fact is not None:
            kept.append(str(last.fact))

    for n in range(5):
        scan(n)
    order.touch()
    scan(5)
    order.unlink()
    for n in range(5, 10):
        scan(n)
    box.store.close()
    again = Box(folder, {})
    with again.store.read() as conn:
        rows = conn.execute(
            "SELECT s.node, s.incarnation, s.lane, l.seq FROM log l JOIN stream s ON s.id = l.stream "
            "ORDER BY l.stream, l.seq"
        ).fetchall()
        stamps = [r[0] for r in conn.execute("SELECT hlc FROM stream ORDER BY id")]
    again.store.close()
    held = {f"{r[0]}/{r[1]:016x}/{r[2]}/{r[3]}" for r in rows}
    return {"refused": refused, "lost": sorted(set(kept) - held), "stamps_rise": stamps == sorted(stamps)}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))
