import threading
from collections.abc import Callable

import pytest

from hardware.drivers.supervisor import BACKOFF_S_MAX, Keeper, Supervisor, backoff_s
from hardware.ports import DeviceView
from sync.kernel.outcome import Unavailable

PATIENCE_S = 30.0


class Scripted:
    """A device that does what a list says at each opening: `gone` at once, or works until `pull`."""

    def __init__(self, *openings: str) -> None:
        self.openings = list(openings)
        self.pull = threading.Semaphore(0)
        self.closed = False

    def run(self, opened: Callable[[], None]) -> None:
        if self.closed or not self.openings or self.openings.pop(0) == "gone":
            raise Unavailable("device.gone")
        opened()
        self.pull.acquire(timeout=PATIENCE_S)
        raise Unavailable("device.gone")

    def drop(self) -> None:
        self.pull.release()

    def close(self) -> None:
        self.closed = True
        self.drop()


class Watch:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self.changed = threading.Condition()

    def __call__(self, view: DeviceView) -> None:
        with self.changed:
            self.seen.append((view.state, view.reason))
            self.changed.notify_all()

    def wait(self, *states: tuple[str, str]) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: self.seen[-len(states) :] == list(states), PATIENCE_S)


def test_back_off_is_jittered_in_full_and_capped() -> None:
    assert backoff_s(0, lambda: 0.0) == 0.0
    assert backoff_s(0, lambda: 0.999) < 0.5
    assert backoff_s(3, lambda: 0.5) == 2.0
    assert backoff_s(500, lambda: 1.0) == BACKOFF_S_MAX


def test_nobody_having_looked_is_absent() -> None:
    supervisor = Supervisor(lambda: 5.0)
    supervisor.add("gun", "gun-1")
    assert supervisor.views() == (DeviceView("gun", "gun-1", "absent", "not-tried", 5.0),)


def test_a_device_goes_from_absent_to_ready_to_lost_and_back() -> None:
    watch = Watch()
    supervisor = Supervisor(lambda: 0.0, watch)
    session = Scripted("gone", "works", "works")
    keeper = Keeper(supervisor.add("gun", "gun-1"), session, lambda: 0.0)
    keeper.start()
    assert watch.wait(("opening", ""), ("absent", "device.gone"), ("ready", ""))
    session.pull.release()
    assert watch.wait(("lost", "device.gone"), ("ready", ""))
    keeper.close()
    assert supervisor.views()[0].state == "lost"


def test_a_state_keeps_the_moment_it_began() -> None:
    now = [1.0]
    device = Supervisor(lambda: now[0]).add("printer", "belt")
    device.say("attention", "paper-out")
    now[0] = 2.0
    device.say("attention", "cover-open")
    assert (device.view.reason, device.view.since_mono_s) == ("cover-open", 1.0)
    device.say("ready")
    assert device.view.since_mono_s == 2.0


def test_a_disabled_device_says_nothing_until_it_is_enabled() -> None:
    device = Supervisor(lambda: 0.0).add("printer", "belt")
    device.disable()
    device.say("ready")
    assert device.view.state == "disabled"
    device.enable()
    device.say("ready")
    assert device.view.state == "ready"


@pytest.mark.row("F10.21")
def test_a_plug_is_not_waited_for_and_a_pull_is_said_at_once() -> None:
    """Between two tries it would wait ten seconds; the node that appears ends that."""
    watch = Watch()
    session = Scripted("gone", "works", "works")
    keeper = Keeper(Supervisor(lambda: 0.0, watch).add("gun", "gun-1"), session, lambda: 1e9)
    keeper.start()
    assert watch.wait(("opening", ""), ("absent", "device.gone"))
    keeper.plugged()
    assert watch.wait(("ready", ""))
    keeper.unplugged()
    assert watch.wait(("lost", "device.unplugged"))
    keeper.plugged()
    assert watch.wait(("lost", "device.unplugged"), ("ready", ""))
    keeper.close()


@pytest.mark.row("F10.24")
def test_what_is_switched_off_is_left_alone_until_it_is_switched_on() -> None:
    watch = Watch()
    session = Scripted("works", "works")
    keeper = Keeper(Supervisor(lambda: 0.0, watch).add("gun", "gun-1"), session, lambda: 0.0)
    keeper.start()
    assert watch.wait(("ready", ""))
    keeper.switch(False)
    assert watch.wait(("disabled", ""))
    keeper.plugged()
    assert session.openings == ["works"] and keeper.device.view.state == "disabled"
    keeper.switch(True)
    assert watch.wait(("ready", ""))
    keeper.close()
