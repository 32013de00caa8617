"""One bad fact holds up all behind it."""

from sync.adapters.sqlite_log import digest
from sync.kernel.outcome import Unavailable


def plant(patch):
    digest.Unavailable = Unavailable
    patch.edit(digest, "digest_some", "quarantined.add(stream.node)", 'raise Unavailable("digest", 5.0)')
