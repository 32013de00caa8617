"""What a process or a line may ask of the world around it; the world itself is made on top of them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from provisioning.simulator.ledger import Ledger
from provisioning.simulator.plan import Plan


class Site(Protocol):
    """One site in virtual time."""

    hub_name: str
    plan: Plan
    now_s: float
    trouble: bool
    greet_after_s: float
    ledger: Ledger
    hits: Counter[str]
    places: Counter[str]
    crashes: Counter[str]
    fallen: list[str]
    leasing: bool
    wire: Any
    hub: Any
    staff: Any
    """A `Wire`, a `Centre`, a `Staff`: each of them knows this page, so it cannot know them."""

    @property
    def machines(self) -> Sequence[Any]: ...

    def tell(self, what: str) -> None: ...

    def hit(self, fault: str) -> None: ...

    def dice(self, of: str) -> random.Random: ...

    def chance(self, rate: str, where: str) -> bool: ...

    def after(self, delay_s: float, name: str, call: Callable[[], None]) -> None: ...

    def wait(self, delay_s: float) -> None: ...


class Machine(Protocol):
    """A box, as the line and the hub see it."""

    label: str
    node: str
    role: str
    sealing: bytes
    alive: bool
    starts: int
    carriers: Any

    @property
    def world(self) -> Site: ...

    @property
    def signing(self) -> bytes: ...

    @property
    def trust_path(self) -> Any: ...

    def join(self, identity: bytes) -> None: ...

    def hear(self, what: str, carrier: str = "", raw: bytes = b"") -> None: ...

    def after(self, delay_s: float, name: str, act: Callable[[], object]) -> None: ...

    def wait(self, delay_s: float) -> None: ...
