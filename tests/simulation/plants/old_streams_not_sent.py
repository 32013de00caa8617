"""What a process did not get rid of is left behind by the next one."""

from sync.adapters.sqlite_log import outbox


def plant(patch):
    patch.edit(outbox, "own_streams", "(s.acked < s.last OR s.incarnation = ?)", "(s.incarnation = ?)")
