"""Opens the round in which the scans of the test count: `python open_round.py FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.boot import Box
from provisioning.bench import box as made

if __name__ == "__main__":
    box = Box(Path(sys.argv[1]), {})
    assert isinstance(box.collecting.open_round(made.WARD, made.COURIER), str)
    box.store.close()
