"""Which names may stand in a certificate, and so in an ACL line."""

from __future__ import annotations

import re

from sync.kernel.ids import NODE_PATTERN

WORKERS_MAX = 16
"""The broker lets this many in; only the hub itself can issue a certificate in their names."""

_WORKER = re.compile(r"(?P<hub>hub-[a-z0-9-]{1,12})\.w[1-9][0-9]{0,2}")


def worker_name(hub: str, n: int) -> str:
    """The MQTT name of the hub's `n`-th worker, from 1: two clients of one name would throw each other off."""
    return check_common_name(f"{hub}.w{n}")


def check_common_name(name: str) -> str:
    """A node's name or a hub worker's. Anything else is our own mistake: it would become part of broker rules."""
    assert NODE_PATTERN.fullmatch(name) or _WORKER.fullmatch(name), "no name for a certificate"
    return name
