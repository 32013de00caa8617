"""How a badge is known: by a hash bound to the site, so a feed carries no badge text and sites cannot be compared."""

from __future__ import annotations

from hashlib import sha256


def badge_hash(badge: str, site: str) -> bytes:
    """16 bytes. Blanks around the text do not count."""
    return sha256(b"way/1 badge\0" + site.encode() + b"\0" + badge.strip().encode("utf-8", "replace")).digest()[:16]
