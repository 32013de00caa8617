"""A lease as its holder keeps it, as a table: (state, input) -> state. A missing pair means: count it, change nothing.

It is not the hub's view: the hub knows what it granted and when that ends at the latest. Beside the page: the hub may
void a lease that is in use, and a lease that was not confirmed for as long as it may be used offline goes to sleep like
any other that is in doubt. Source: protocol way/1, section 9, "Lease".
"""

from __future__ import annotations

from sync.protocol.states import EPOCH_RISES, Table

ASKED, USABLE, ASLEEP, SPENT, VOID, CLOSED = "asked", "usable", "asleep", "spent", "void", "closed"
LEASE_STATES = (ASKED, USABLE, ASLEEP, SPENT, VOID, CLOSED)

GRANTED = "lease, valid"
NOT_NOW = "not now"
USE = "use"
USED_UP = "quota or time out"
STARTED_NUMBERS = "process start, numbers"
STARTED_KNOWING = "process start, witness not behind"
STARTED_DOUBTING = "process start, witness missing or behind"
CLOCK_SET_BACK = "clock set back"
OFFLINE_TOO_LONG = "offline too long"
DISK_REWOUND = "rewound"
CONFIRMED = "confirmed by hub"
VOIDED = "voided"
REPORTED = "reported"
LEASE_INPUTS = (
    GRANTED, NOT_NOW, USE, USED_UP, STARTED_NUMBERS, STARTED_KNOWING, STARTED_DOUBTING, CLOCK_SET_BACK,
    OFFLINE_TOO_LONG, DISK_REWOUND, EPOCH_RISES, CONFIRMED, VOIDED, REPORTED,
)  # fmt: skip

LEASE: Table = {
    (ASKED, GRANTED): USABLE,
    (ASKED, NOT_NOW): ASKED,
    (USABLE, USE): USABLE,
    (USABLE, USED_UP): SPENT,
    (USABLE, STARTED_NUMBERS): VOID,
    (USABLE, STARTED_KNOWING): USABLE,
    (USABLE, STARTED_DOUBTING): ASLEEP,
    (USABLE, CLOCK_SET_BACK): ASLEEP,
    (USABLE, OFFLINE_TOO_LONG): ASLEEP,
    (USABLE, DISK_REWOUND): ASLEEP,
    (USABLE, EPOCH_RISES): ASLEEP,
    (USABLE, CONFIRMED): USABLE,
    (USABLE, VOIDED): VOID,
    (ASLEEP, CONFIRMED): USABLE,
    (ASLEEP, VOIDED): VOID,
    (ASLEEP, USED_UP): SPENT,
    (ASLEEP, STARTED_NUMBERS): VOID,
    (SPENT, REPORTED): CLOSED,
    (VOID, REPORTED): CLOSED,
}
