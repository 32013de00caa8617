"""What boxes may drop hangs on the second-newest backup alone, and the one after it is put back, which holds less."""

from hub.backup.watch import BackupWatch

SCHEDULE = "copied_before_it_was_sent_again"


def plant(patch):
    patch.edit(BackupWatch, "look", "for each in two])", "for each in two[:1]])")
