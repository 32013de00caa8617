"""A use is shown before the file outside the data folder counts it."""

from sync.adapters.leases import box


def plant(patch):
    patch.edit(box.Leases, "use", "self._book.save(unit)", "pass")
