"""How often: as often as `make test` has time for, or the full count of `make soak`.

`make soak SHARE=0.01` is a hundredth of the full counts: whether the soak itself works is known in half an hour.
"""

from __future__ import annotations

import os

SHARE = float(os.environ.get("WAYSTATION_SOAK") or 0)
"""0: this is `make test`; 1: a whole soak."""
SOAK = SHARE > 0


def many(short: int, whole: int) -> int:
    """`short` in `make test`, `whole` in a soak, or the share of it that was asked for."""
    return max(1, round(whole * SHARE)) if SOAK else short
