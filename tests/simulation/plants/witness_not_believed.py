"""A box believes its database alone about what was used of a grant."""

from sync.adapters.leases import book
from sync.protocol import held


def plant(patch):
    started = held.started

    def believing(lease, incarnation, witnessed):
        return started(lease, incarnation, held.Witnessed(lease.used, False))

    patch(held, "started", believing)
    patch(book.LeaseBook, "witnessed", lambda self, lease: 0)
