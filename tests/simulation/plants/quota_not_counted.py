"""A use of a grant is not counted."""

from sync.protocol import held


def plant(patch):
    patch.edit(held, "use", "used=now.used + units", "used=now.used")
