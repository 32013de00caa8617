import threading

from appliance.features.devices.herald import Herald
from sync.protocol.hello import HelloDevice

PATIENCE_S = 30.0


class Box:
    def __init__(self) -> None:
        self.state = "ready"
        self.greeted = threading.Semaphore(0)
        self.asked = threading.Semaphore(0)

    def told(self) -> tuple[HelloDevice, ...]:
        self.asked.release()
        return (HelloDevice("gun", "gun-1", self.state, ""),)


def test_the_hub_hears_of_news_and_of_nothing_else() -> None:
    box = Box()
    herald = Herald(box.told, box.greeted.release, settle_s=0.0)
    assert box.asked.acquire(timeout=PATIENCE_S)
    for state in ("busy", "ready", "opening"):
        box.state = state
        herald.changed()
        assert box.asked.acquire(timeout=PATIENCE_S)
    box.state = "lost"
    herald.changed()
    assert box.greeted.acquire(timeout=PATIENCE_S)
    herald.close()
    herald.changed()
    assert not box.greeted.acquire(blocking=False)
