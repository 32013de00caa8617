"""The tables as full matrices: every good pair with its reason, every other pair changes nothing."""

import itertools

import pytest

from sync.protocol import states
from sync.protocol.config import Config
from sync.protocol.events import Count
from sync.protocol.outbound import OutStream
from sync.protocol.session import Session

GOOD = {
    ("silent", "back-off over"): "calling",
    ("calling", "carrier up"): "greeting",
    ("calling", "link lost"): "silent",
    ("greeting", "welcome"): "talking",
    ("greeting", "welcome: too old"): "talking",
    ("greeting", "welcome: unknown"): "greeting",
    ("greeting", "welcome: frozen"): "held",
    ("greeting", "welcome: revoked"): "shut out",
    ("greeting", "higher epoch"): "greeting",
    ("greeting", "welcome of a lower epoch"): "silent",
    ("greeting", "link lost"): "silent",
    ("greeting", "carrier up"): "greeting",
    ("greeting", "freeze"): "held",
    ("talking", "welcome"): "talking",
    ("talking", "welcome: too old"): "talking",
    ("talking", "welcome: unknown"): "greeting",
    ("talking", "welcome: frozen"): "held",
    ("talking", "welcome: revoked"): "shut out",
    ("talking", "higher epoch"): "greeting",
    ("talking", "welcome of a lower epoch"): "silent",
    ("talking", "link lost"): "silent",
    ("talking", "carrier up"): "greeting",
    ("talking", "freeze"): "held",
    ("held", "welcome"): "talking",
    ("held", "welcome: too old"): "talking",
    ("held", "welcome: unknown"): "greeting",
    ("held", "welcome: frozen"): "held",
    ("held", "welcome: revoked"): "shut out",
    ("held", "thaw"): "greeting",
    ("held", "link lost"): "silent",
    ("shut out", "new identity record"): "silent",
}


@pytest.mark.parametrize(("state", "said"), list(itertools.product(states.SESSION_STATES, states.SESSION_INPUTS)))
def test_session_matrix(state: str, said: str) -> None:
    session = Session(Config(7, ("mqtt",), lambda: 0.0))
    session.state = state
    moved = session._go(said)
    assert moved is ((state, said) in GOOD)
    assert session.state == GOOD.get((state, said), state)
    assert moved or [type(effect) for effect in session._out] == [Count]


STREAM_GOOD = {
    ("growing", "process ends"): "ended",
    ("growing", "upto moves"): "growing",
    ("growing", "ack: frozen or other history"): "frozen",
    ("growing", "ack: waits for an operator"): "waiting",
    ("growing", "upto above last"): "rewound",
    ("growing", "epoch rises"): "growing",
    ("ended", "upto moves"): "ended",
    ("ended", "ack: frozen or other history"): "frozen",
    ("ended", "ack: waits for an operator"): "waiting",
    ("ended", "upto above last"): "rewound",
    ("ended", "epoch rises"): "ended",
    ("waiting", "upto moves"): "ended",
    ("waiting", "ack: open"): "ended",
    ("waiting", "ack: frozen or other history"): "frozen",
    ("waiting", "epoch rises"): "ended",
    ("frozen", "ack: open"): "ended",
    ("frozen", "epoch rises"): "ended",
    ("rewound", "upto moves"): "ended",
    ("rewound", "epoch rises"): "ended",
}


STREAM_PAIRS = [
    (state, said, current)
    for state, said, current in itertools.product(states.STREAM_STATES, states.STREAM_INPUTS, (True, False))
    if not current or (state != "ended" and said != "process ends")  # a stream of the running process has not ended
]


@pytest.mark.parametrize(("state", "said", "current"), STREAM_PAIRS)
def test_stream_matrix(state: str, said: str, current: bool) -> None:
    stream = OutStream(7, 1, 9, 3, current, state)
    stream.move(said)
    after = STREAM_GOOD.get((state, said), state)
    assert stream.state == ("growing" if current and after == "ended" else after)


def test_every_state_is_reached_and_left() -> None:
    for table, first, names in (
        (states.SESSION, "silent", states.SESSION_STATES),
        (states.OUTBOUND, "growing", states.STREAM_STATES),
    ):
        reached = {first}
        while more := {after for (state, _), after in table.items() if state in reached} - reached:
            reached |= more
        assert reached == set(names)
        assert {state for (state, _), after in table.items() if state != after} == set(names)


def test_the_diagram_has_every_edge_once() -> None:
    drawn = states.mermaid(states.SESSION)
    assert drawn.startswith("stateDiagram-v2\n")
    edges = {(state, after) for (state, _), after in states.SESSION.items()}
    assert drawn.count(" --> ") == len(edges)
    assert "    shut_out --> silent: new identity record\n" in drawn
    for state, after in edges:
        assert f"    {state.replace(' ', '_')} --> {after.replace(' ', '_')}: " in drawn
