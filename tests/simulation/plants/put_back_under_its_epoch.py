"""The tool puts a backup back without raising the epoch, and no box's proof raises it."""

from hub.backup import restore
from hub.link.epoch import EpochKeeper


def plant(patch):
    patch.edit(
        restore,
        "put_back",
        "*(each.epoch for each in place.backups())) + 1\n    tick = held.tick + 1",
        "1)\n    tick = held.tick",
    )
    patch.edit(EpochKeeper, "above", "held = self._file.read() or Monotone()", "return")
