"""A box forgets nothing that an earlier epoch signed."""

from sync.adapters.sqlite_log import down


def plant(patch):
    patch.edit(
        down,
        "raise_epoch",
        "UPDATE stream SET acked = coalesce(",
        "UPDATE stream SET acked_hlc = acked_hlc * coalesce(",
    )
