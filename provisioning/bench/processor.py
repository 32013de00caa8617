"""Processor time of other processes, from the system. Source: proc(5), /proc/pid/stat."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS_A_S = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _SYSTEM = 1, 11, 12
"""Fields of the line behind the name, which may hold anything."""


def processor_s(pid: int) -> float:
    """Seconds of a process so far, user and system; 0 for one that has ended."""
    fields = _fields(pid)
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS_A_S if fields else 0.0


def children(pid: int) -> list[int]:
    """Processes that this one started and that still run."""
    everyone = sorted(int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [each for each in everyone if (fields := _fields(each)) and int(fields[_PARENT]) == pid]


def _fields(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []
