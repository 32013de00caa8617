"""After a failed disk the session greets for a start that is over."""

from sync.protocol.session import Session

SCHEDULE = "thaw_cut_by_the_disk"


def plant(patch):
    patch.edit(Session, "_stumbled", "if event.incarnation != self._incarnation:", "if False:")
