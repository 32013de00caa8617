"""Laws of leases under any clock and any disk: nothing is refunded, nothing is used beyond what was granted."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sync.kernel.outcome import Refused
from sync.protocol import held as rules
from sync.protocol import lease as words
from sync.protocol import lease_states as states
from sync.protocol.elapsed import Mark, Reading, advance, first_mark, heard
from sync.protocol.held import Witnessed
from sync.protocol.lease import Lease

WALL = 1_795_000_000_000
QUOTA, LASTS_S, OFFLINE_S = 5, 3_600, 1_800
GRANT = Lease(
    bytes(16), words.READ, "record:W12", "ward-a3k7q2xw", 5, quota=QUOTA, lasts_s=LASTS_S, offline_s=OFFLINE_S
)

readings = st.builds(
    Reading,
    boot_id=st.sampled_from(["boot-1", "boot-2"]),
    boot_ms=st.integers(0, 10**9),
    wall_ms=st.integers(0, 2 * WALL),
    believed=st.booleans(),
)


@given(st.lists(readings, min_size=2, max_size=12))
def test_the_meter_never_goes_back(clocks: Sequence[Reading]) -> None:
    mark = first_mark(clocks[0])
    for now in clocks[1:]:
        after, _ = advance(mark, now)
        assert after.meter_ms >= mark.meter_ms
        assert heard(mark, now).meter_ms == after.meter_ms
        mark = after


class OneGrant(RuleBasedStateMachine):
    """One counted grant on a box whose clock lies, which crashes, and whose database is put back from a backup.

    Disk: a database and a witness, each written whole. The true time that has passed is known to the test alone.
    """

    @initialize()
    def grant(self) -> None:
        self.true_ms, self.shift_ms, self.boot = 0, 0, 0
        self.shown = 0
        self.mark = first_mark(self.reading())
        self.held = rules.granted(GRANT, self.mark.meter_ms, self.mark.meter_ms)
        self.witness = (self.mark, Witnessed(0, False))
        self.database = self.backup = (self.mark, self.held)

    def reading(self) -> Reading:
        wall_ms = WALL + self.true_ms + self.shift_ms
        return Reading(f"boot-{self.boot}", self.true_ms, wall_ms, WALL - 10**10 < wall_ms < WALL + 10**11)

    def look(self) -> None:
        self.mark, doubt = advance(self.mark, self.reading())
        if doubt:
            self.held = rules.doubted(self.held, states.CLOCK_SET_BACK)
        self.held = rules.aged(self.held, self.mark.meter_ms)

    def commit(self, *, witness_only: bool = False) -> None:
        done = self.held.state not in (states.USABLE, states.ASLEEP)
        self.witness = (self.mark, Witnessed(self.held.used, done))
        if not witness_only:
            self.database = (self.mark, self.held)

    @rule(span_s=st.integers(1, 2_000))
    def time_passes(self, span_s: int) -> None:
        """Marks are made at least once a minute while a process runs."""
        for _ in range(0, span_s, 60):
            self.true_ms += min(60, span_s) * 1000
            self.look()
        self.commit()

    @rule(units=st.integers(1, 2), cut=st.sampled_from(["no", "after the witness", "before it"]))
    def use(self, units: int, cut: str) -> None:
        self.look()
        done = rules.use(self.held, units, self.mark.meter_ms)
        if isinstance(done, Refused):
            return
        if cut == "before it":
            return self.start()
        self.held = done
        self.commit(witness_only=cut == "after the witness")
        if cut == "no":
            self.shown += units
            assert self.true_ms <= LASTS_S * 1000
        else:
            self.start()
        return None

    @rule(back_s=st.integers(-(10**9), 10**9))
    def clock_jumps(self, back_s: int) -> None:
        self.shift_ms -= back_s * 1000
        self.look()
        self.commit()

    def start(self) -> None:
        mark, self.held = self.database
        told, witnessed = self.witness
        behind = told.meter_ms < mark.meter_ms
        self.mark = max(mark, told, key=lambda each: each.meter_ms)
        self.held = rules.started(self.held, 2, None if behind else witnessed)
        self.look()
        self.commit()

    @rule(off_s=st.integers(0, 10_000))
    def reboot(self, off_s: int) -> None:
        """A machine whose clock stands still while it is off may save what is above a minute of it, and no more."""
        self.true_ms += off_s * 1000
        self.boot += 1
        self.start()

    @rule()
    def back_up(self) -> None:
        self.backup = self.database

    @rule()
    def put_back(self) -> None:
        self.database = self.backup
        self.start()

    @rule()
    def lose_the_witness(self) -> None:
        self.witness = (Mark(-1, "", 0, 0, False), Witnessed(0, False))
        self.start()

    @rule()
    def hear_the_hub(self) -> None:
        """It knows when it granted; and every use that was shown was told to it."""
        self.look()
        self.mark = heard(self.mark, self.reading())
        self.held = rules.confirmed(self.held, self.shown, -(-self.true_ms // 1000), self.mark.meter_ms)
        self.commit()

    @invariant()
    def never_more_than_granted(self) -> None:
        if hasattr(self, "shown"):
            assert self.shown <= QUOTA


TestOneGrant = pytest.mark.row("E05.2")(OneGrant.TestCase)
