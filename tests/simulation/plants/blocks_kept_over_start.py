"""A block of numbers goes on in the next process."""

from sync.protocol import held


def plant(patch):
    patch.edit(held, "started", "if held.lease.incarnation == incarnation", "if held.lease.incarnation")
