"""The hub looks how far a receipt goes and not at what stands there, nor does a thaw: each guards against the other."""

from hub.link.greeting import Greeting
from sync.adapters.sqlite_log import thawing

SCHEDULE = "another_fact_in_its_place"


def plant(patch):
    patch.edit(Greeting, "_receipt", "or h not in (None, stream.h)", "")
    acked = 'conn.execute("SELECT acked FROM stream WHERE id = ?", (stream,)).fetchone()[0]'
    patch.edit(thawing, "obey", "good = max(dropped,", f"good = max(dropped, {acked},")
