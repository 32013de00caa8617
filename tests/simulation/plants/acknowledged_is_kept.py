"""A thaw leaves alone what was acknowledged once, though the hub holds another fact at its number."""

from sync.adapters.sqlite_log import thawing

SCHEDULE = "signed_for_and_replaced"


def plant(patch):
    acked = 'conn.execute("SELECT acked FROM stream WHERE id = ?", (stream,)).fetchone()[0]'
    patch.edit(thawing, "obey", "good = max(dropped,", f"good = max(dropped, {acked},")
