"""The machines of the protocol as tables: (state, input) -> state. A missing pair means: count it, change nothing.

The session is what a node has with its hub, whichever carrier they speak over. It is not the work: collecting,
handing over and printing go on in every state. The outbound stream is one of the node's own runs of facts on its way
into the hub's log; it is not a connection, and outlives many.

Where this differs from the page: a welcome of a higher epoch leads back to greeting (the marks that the hello told are
forgotten with the old epoch, so the hub is asked again), and a node that was shut out hangs up, so a new identity
record begins with a call. A stream that the hub signs as open again is sent again: a node that was frozen as a whole
has all its streams told as frozen until it is thawed.
Source: protocol way/1, section 9, "Appliance session" and "Outbound stream".
"""

from __future__ import annotations

from collections.abc import Mapping

SILENT, CALLING, GREETING, TALKING, HELD, SHUT_OUT = "silent", "calling", "greeting", "talking", "held", "shut out"
SESSION_STATES = (SILENT, CALLING, GREETING, TALKING, HELD, SHUT_OUT)

BACKOFF_OVER = "back-off over"
CARRIER_UP = "carrier up"
LINK_LOST = "link lost"
WELCOMED = "welcome"
TOO_OLD = "welcome: too old"
UNKNOWN = "welcome: unknown"
FROZEN = "welcome: frozen"
REVOKED = "welcome: revoked"
HIGHER_EPOCH = "higher epoch"
LOWER_EPOCH = "welcome of a lower epoch"
FREEZE, THAW = "freeze", "thaw"
NEW_IDENTITY = "new identity record"
SESSION_INPUTS = (
    BACKOFF_OVER, CARRIER_UP, LINK_LOST, WELCOMED, TOO_OLD, UNKNOWN, FROZEN, REVOKED, HIGHER_EPOCH, LOWER_EPOCH, FREEZE,
    THAW, NEW_IDENTITY,
)  # fmt: skip

Table = Mapping[tuple[str, str], str]

SESSION: Table = {
    (SILENT, BACKOFF_OVER): CALLING,
    (CALLING, CARRIER_UP): GREETING,
    (CALLING, LINK_LOST): SILENT,
    (GREETING, WELCOMED): TALKING,
    (GREETING, TOO_OLD): TALKING,
    (GREETING, UNKNOWN): GREETING,
    (GREETING, FROZEN): HELD,
    (GREETING, REVOKED): SHUT_OUT,
    (GREETING, HIGHER_EPOCH): GREETING,
    (GREETING, LOWER_EPOCH): SILENT,
    (GREETING, LINK_LOST): SILENT,
    (GREETING, CARRIER_UP): GREETING,
    (GREETING, FREEZE): HELD,
    (TALKING, WELCOMED): TALKING,
    (TALKING, TOO_OLD): TALKING,
    (TALKING, UNKNOWN): GREETING,
    (TALKING, FROZEN): HELD,
    (TALKING, REVOKED): SHUT_OUT,
    (TALKING, HIGHER_EPOCH): GREETING,
    (TALKING, LOWER_EPOCH): SILENT,
    (TALKING, LINK_LOST): SILENT,
    (TALKING, CARRIER_UP): GREETING,
    (TALKING, FREEZE): HELD,
    (HELD, WELCOMED): TALKING,
    (HELD, TOO_OLD): TALKING,
    (HELD, UNKNOWN): GREETING,
    (HELD, FROZEN): HELD,
    (HELD, REVOKED): SHUT_OUT,
    (HELD, THAW): GREETING,
    (HELD, LINK_LOST): SILENT,
    (SHUT_OUT, NEW_IDENTITY): SILENT,
}

GROWING, ENDED, STREAM_FROZEN, WAITING, REWOUND = "growing", "ended", "frozen", "waiting", "rewound"
STREAM_STATES = (GROWING, ENDED, STREAM_FROZEN, WAITING, REWOUND)

PROCESS_ENDS = "process ends"
OTHER_HISTORY = "ack: frozen or other history"
HOLE = "ack: waits for an operator"
ACK_OPEN = "ack: open"
UPTO_MOVES = "upto moves"
UPTO_BEYOND = "upto above last"
EPOCH_RISES = "epoch rises"
STREAM_INPUTS = (PROCESS_ENDS, OTHER_HISTORY, HOLE, ACK_OPEN, UPTO_MOVES, UPTO_BEYOND, EPOCH_RISES)

OUTBOUND: Table = {
    (GROWING, PROCESS_ENDS): ENDED,
    (GROWING, UPTO_MOVES): GROWING,
    (GROWING, OTHER_HISTORY): STREAM_FROZEN,
    (GROWING, HOLE): WAITING,
    (GROWING, UPTO_BEYOND): REWOUND,
    (GROWING, EPOCH_RISES): GROWING,
    (ENDED, UPTO_MOVES): ENDED,
    (ENDED, OTHER_HISTORY): STREAM_FROZEN,
    (ENDED, HOLE): WAITING,
    (ENDED, UPTO_BEYOND): REWOUND,
    (ENDED, EPOCH_RISES): ENDED,
    (WAITING, UPTO_MOVES): ENDED,
    (WAITING, ACK_OPEN): ENDED,
    (WAITING, OTHER_HISTORY): STREAM_FROZEN,
    (WAITING, EPOCH_RISES): ENDED,
    (STREAM_FROZEN, ACK_OPEN): ENDED,
    (STREAM_FROZEN, EPOCH_RISES): ENDED,
    (REWOUND, UPTO_MOVES): ENDED,
    (REWOUND, EPOCH_RISES): ENDED,
}
"""Where the table says ended, a stream of the running process is growing: `outbound.OutStream` knows which it is."""


def mermaid(table: Table) -> str:
    """The diagram of a table, inputs of the same edge together; the same text for the same table."""
    edges: dict[tuple[str, str], list[str]] = {}
    for (state, said), after in table.items():
        edges.setdefault((state, after), []).append(said)
    lines = ["stateDiagram-v2"]
    lines += [f"    {_id(a)} --> {_id(b)}: {' · '.join(said).replace(':', '')}" for (a, b), said in edges.items()]
    return "\n".join(lines) + "\n"


def _id(state: str) -> str:
    return state.replace(" ", "_")
