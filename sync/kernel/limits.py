"""Every stated number of protocol `way/1`, once.

Source: protocol way/1, sections 2, 4.3, 4.10, 5.1-5.6, 6.5, 7.1, 7.3-7.5.
"""

FACT_BYTES_MAX = 64 * 1024
CBOR_DEPTH_MAX = 8
KEY_TEXT_BYTES_MAX = 64
KEY_BYTES_MAX = 32
ACTOR_CHARS_MAX = 32
SCOPES_MAX = 8
INT_MAX = 2**63 - 1
INT_MIN = -(2**63)

CUT_FACTS = 500
CUT_BYTES = 64 * 1024
CUT_QUIET_MS = 200
GATHER_MS = 5

BATCH_SENT_BYTES_MAX = 1024 * 1024
BATCH_EXPANDED_BYTES_MAX = 8 * 1024 * 1024
BATCH_FACTS_MAX = 2000
ZSTD_WINDOW_BYTES_MAX = 8 * 1024 * 1024
MQTT_PAYLOAD_BYTES_MAX = 256 * 1024
MESSAGE_BODY_BYTES_MAX = 64 * 1024
FRAMES_MAX = 16
FRAMES_BYTES_MAX = 1024 * 1024
STICK_BYTES_MAX = 64 * 1024 * 1024

PARKED_BATCHES_MAX = 64
PARKED_BYTES_MAX = 4 * 1024 * 1024
EVIDENCE_BYTES_MAX = 64 * 1024 * 1024

WINDOW_LIVE = 8
WINDOW_CONTROL = 2
WINDOW_BULK = 0
"""Bulk facts go by the hub's credit alone."""
QUANTUM_BYTES = 64 * 1024
"""What one turn of a node's is worth where turns are taken."""
CREDIT_BATCHES = 4
CREDIT_BYTES = 4 * CUT_BYTES
"""One node's window while it has its turn, as sent. Our own choice: two are on the way, two are being taken."""
CREDIT_NODES_MAX = 16
"""Nodes that have their turn at once: 64 batches, about a second of a hub's work. Our own choice."""
CREDIT_GOOD_S = 60
CREDIT_ASK_S = 15.0
"""Until a node whose bulk facts wait asks again by a hello. Our own choice."""
NOT_BEFORE_S_MIN, NOT_BEFORE_S_MAX = 0.5, 60.0
BACKLOG_FACTS = 100
"""A batch of so many facts is a piece of a backlog: nobody waits for it as for a live fact. Our own choice."""
RESEND_LIVE_S = 2.0
RESEND_OTHER_S = 15.0
RESEND_BACKLOG_S = 30.0
"""Of a piece of a live backlog: longer than a hub needs for one of each of a thousand machines. Our own choice."""
RESEND_S_MAX = 60.0
REFUSED_TRIES = 3
RESENDS_UNTIL_SILENT = 3
BACKOFF_BASE_S = 0.5
BACKOFF_S_MAX = 60.0
KEY_OVERLAP_MS = 7 * 24 * 3600 * 1000
"""For how long a node's signing key still counts after another took its place, by hub time."""
HUB_KEY_AHEAD_MS = 14 * 24 * 3600 * 1000
"""For how long a new signing key of the hub's stands in the trust bundle before it signs anything."""
HUB_KEY_MS = 20 * 366 * 24 * 3600 * 1000
"""A signing key of the hub's ends by a newer one, hardly by date: a box that was stored away must still work."""
RENEW_DAYS = 400
"""For how long a key or certificate that is over, and not revoked, may still ask for the next."""
KEYS_MAX = 16
"""Signing keys that a hub takes of one node, old ones included. Our own choice."""
HELLO_EVERY_S = 900.0
CARRIER_FAILURES = 3
CARRIER_BETTER_EVERY_S = 300.0
CONNECT_S_MAX = 10.0
"""Until a carrier that says nothing counts as failed. Our own choice: a TLS greeting over a line of 4 s, with room."""
LONG_POLL_S = 25.0

CLOCK_AHEAD_MS_MAX = 5 * 60 * 1000
HUB_TIME_S_MAX = 60.0
"""A hub time that took longer to come says nothing about a clock (a stick takes hours). Our own choice."""
CLOCK_CEILING_MS = 4102444800000
"""2100-01-01 UTC: a wall clock at or past it is not believed."""

SEGMENT_ENTRIES = 1024
SEGMENT_BYTES = 1024 * 1024
SEGMENT_KEEP_DAYS = 30
SNAPSHOTS_KEPT = 2
BUCKETS = 256
BLOB_CHUNK_BYTES = 1024 * 1024
BLOB_BYTES_MAX = 1024 * BLOB_CHUNK_BYTES
"""Our own cap: a page at 600 dpi is 20 MiB; a film goes in pieces."""
BLOBS_UNFINISHED_MAX = 64
"""Of one node at the hub, our own cap: half-sent blobs are disk that nobody can read."""
BLOB_UNFINISHED_S_MAX = 7 * 24 * 3600
"""A half-sent blob that nobody has asked about for so long is dropped; whoever has it sends it anew. Our own choice."""
PREVIEW_BYTES_MAX = 40 * 1024
KEEP_ACKED_DAYS = 14
EPOCH_MAX = 2**32 - 1
"""A hub epoch is a u32 on the wire."""
REFILL_S_MAX = 15 * 60.0
REFILL_SEEN_S = 3600.0
"""After a raised epoch no heads are told until every machine seen in this time before has drained. Section 5.6."""
TICK_EVERY_S = 60.0
"""Database and monotone file beat together; one that is behind was put back."""

NUMBER_BLOCKS_HELD = 2
NUMBER_REFILL_PERCENT = 30
"""Numbers left of both blocks at which more are asked for."""
LEASE_MARK_EVERY_S = 60.0
LEASE_REBOOT_S_MIN = 60.0
LEASE_SET_BACK_S_MAX = 120.0
"""A wall clock below its mark by more than this puts leases to sleep until hub time is heard. Source: section 7.3."""
FENCE_EPOCH_SHIFT = 40
LEASE_KEYS_MAX = 64
LEASE_KEY_BYTES_MAX = 256
LEASE_UNITS_MAX = 1_000_000
"""Numbers of a block, or reads of a grant: our own bound, far above any day's work."""
LEASE_S_MAX = 400 * 24 * 3600
NUMBER_BLOCK_MAX = 1000
NUMBER_BLOCKS_A_START_MAX = 8
NUMBER_RESOURCES_MAX = 200
"""Rows of numbers of one site, all kept in the hub's monotone file."""
HOLD_S_MAX = 24 * 3600
HOLD_GRACE_S = 60
"""A hold is granted anew this long after its term: the holder counts from its ask, so this is for slow clocks alone."""
GLASS_UNITS_MAX = 5
GLASS_S_MAX = 3600
GLASS_OPEN_MAX = 3

SCHEMAS_BACK = 2
"""How many schemas of facts before its own a hub serves. Source: protocol way/1, section 8."""
