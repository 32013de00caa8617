"""What boxes may drop hangs on the newest backup, and the tool puts back the one before it."""

from hub.backup.watch import BackupWatch


def plant(patch):
    patch.edit(BackupWatch, "look", "for each in two])", "for each in two[1:]])")
