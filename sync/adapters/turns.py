"""How the threads of one process take turns."""

from __future__ import annotations

import sys

SWITCH_S = 0.0005


def take_short_turns() -> None:
    """Let a thread that computes keep the others waiting for half a millisecond, where the interpreter has 5 ms.

    A fact on its way changes hands several times at either end, and each time whoever digests or folds is asked first.
    """
    sys.setswitchinterval(SWITCH_S)
