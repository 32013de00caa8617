"""An acknowledgement that was overtaken moves the mark back."""

from sync.adapters.sqlite_log import outbox


def plant(patch):
    patch.edit(outbox, "_apply_mark", "if mark.upto < acked:", "if False:")
