"""What boxes may drop hangs on the newest backup, and the tool puts back the one before it."""

from hub.backup.place import Place


def plant(patch):
    patch.edit(Place, "relied_on", "return counting[-2] if len(counting) > 1 else None",
               "return counting[-1] if counting else None")  # fmt: skip
