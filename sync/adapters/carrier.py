"""What every carrier is to the session: something that takes messages, hands messages over, and says when it is up.

No state belongs to a carrier except its timers. A message handed to `send` may be lost, doubled or overtaken; only
the hub's signed acknowledgement counts. Source: protocol way/1, section 4.10.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, Literal, Protocol

Why = Literal["refused", "no-answer", "lost", "denied"]
"""Why a carrier is down: nobody takes the call; somebody does and says nothing; a talk ended; we are not let in."""

SEND_QUEUE_MAX = 64
CONNECT_S_MAX = 5.0


class Heard(Protocol):
    """Who listens to a carrier. Called from the carrier's threads; must return at once."""

    def up(self, carrier: str) -> None: ...

    def down(self, carrier: str, why: Why) -> None: ...

    def received(self, carrier: str, message: bytes) -> None: ...


class Carrier(Protocol):
    """One way to the hub. After `open` exactly one `up` or `down` follows, after `up` one `down` at most."""

    name: str

    def open(self) -> None:
        """Call the hub once, in a thread of the carrier's own. Harmless when it is open."""
        ...

    def send(self, message: bytes) -> bool:
        """Queue one message. False: not up, or 64 messages wait already; the session sends again later."""
        ...

    def hold(self, labels: frozenset[str]) -> None:
        """The scopes whose heads matter."""
        ...

    def close(self) -> None:
        """Hang up, within 1 s and without a `down`. `open` may follow."""
        ...


def why_of(fault: BaseException) -> Why:
    """A network error in our words: what the person at the screen is told differs by it."""
    for each in _causes(fault):
        if isinstance(each, ConnectionRefusedError):
            return "refused"
        if isinstance(each, TimeoutError):
            return "no-answer"
        if isinstance(each, ssl.SSLCertVerificationError):
            return "denied"
        if isinstance(each, ssl.SSLError) and "ALERT" in (each.reason or ""):
            return "denied"
    return "lost"


def _causes(fault: BaseException) -> list[BaseException]:
    """The fault and everything it wraps: libraries hide the socket's own error in arguments and `reason`."""
    found: list[BaseException] = []
    todo: list[Any] = [fault]
    while todo and len(found) < 16:
        each = todo.pop(0)
        if isinstance(each, BaseException) and each not in found:
            found.append(each)
            todo += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
    return found


class _NamedContext(ssl.SSLContext):
    """Checks the peer against one name, whatever address was dialled: a relay or an IP in between changes nothing."""

    expected = ""

    def wrap_socket(self, sock: Any, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        kwargs["server_hostname"] = self.expected or kwargs.get("server_hostname")
        return super().wrap_socket(sock, *args, **kwargs)


def client_context(ca: Path, certificate: Path, key: Path, server_name: str = "") -> ssl.SSLContext:
    """TLS with our certificate, trusting the site's own CA alone. `server_name` empty: the dialled name counts."""
    context = nameless_context(ca, server_name)
    context.load_cert_chain(certificate, key)
    return context


def nameless_context(ca: Path, server_name: str = "") -> ssl.SSLContext:
    """The same without a certificate: for a caller whose own is over."""
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(ca)
    context.expected = server_name
    return context
