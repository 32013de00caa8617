"""Addresses of services on this machine, and no other: what a pad or a camera sees of a person stays here."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def loopback_base(url: str, scheme: str) -> str:
    """`scheme://host:port` of a service on this machine. ValueError `not-loopback` for any other address or scheme.

    A name is not looked up: `localhost` is 127.0.0.1, and every other name could lead anywhere tomorrow.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("not-loopback") from None
    if parts.scheme != scheme or parts.username or parts.password or port is None:
        raise ValueError("not-loopback")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("not-loopback")
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise ValueError("not-loopback") from None
    if not address.is_loopback:
        raise ValueError("not-loopback")
    return f"{scheme}://{f'[{address}]' if address.version == 6 else address}:{port}"
