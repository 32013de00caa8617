"""A hub that was put back keeps its epoch, whoever proves it."""

from hub.link import epoch


def plant(patch):
    patch.edit(epoch.EpochKeeper, "settle", "elif held.tick > tick or held.epoch > self._store.epoch:", "elif False:")
    patch.edit(epoch.EpochKeeper, "above", "held = self._file.read() or Monotone()", "return")
