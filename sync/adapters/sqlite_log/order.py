"""The fold order as bytes that compare like the order itself, so SQLite and Python agree on it.

Source: protocol way/1, section 3.2: (order, node, hlc, incarnation, lane, seq).
"""

from __future__ import annotations

import struct

from sync.kernel.ids import FactId, pad_node

BEFORE_ALL = bytes(49)
_TAIL = struct.Struct(">QQBQ")


def order_bytes(order: int, fid: FactId, hlc: int) -> bytes:
    """49 bytes; a fact sorts before another exactly when its bytes do."""
    return order.to_bytes(8, "big") + pad_node(fid.node) + _TAIL.pack(hlc, fid.incarnation, fid.lane, fid.seq)
