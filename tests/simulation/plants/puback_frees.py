"""What a broker took counts as delivered."""

from sync.adapters.sqlite_log import outbox


def plant(patch):
    patch.edit(
        outbox,
        "cut",
        "return Cut(",
        'store._conn.execute("UPDATE stream SET acked = max(acked, ?) WHERE id = ?", (first + len(items) - 1, stream.stream))\n    return Cut(',
    )
