"""Positions are stored before the entries that lead to them."""

from sync.adapters.sqlite_log import down


def plant(patch):
    patch.edit(
        down,
        "apply_round",
        'with store.write(step="round.apply") as unit:',
        'with store.write(step="round.apply") as unit:\n        for tail in tails:\n            unit.conn.execute("UPDATE cursor SET epoch = ?, sseq = ?, e = ? WHERE label = ?", (tail.epoch, tail.sseq, tail.e, tail.label))\n    with store.write(step="round.apply") as unit:',
    )
