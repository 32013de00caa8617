"""The hub appends a batch that does not follow."""

from sync.protocol import inbound


def plant(patch):
    patch.edit(inbound, "place", "return Park(", "return Append(0) if False or first > view.upto + 1 else Park(")
