"""Why a node does not start for the sake of its cryptographic suite, in the words of whoever stands before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SUITE_SENTENCES: Final[Mapping[str, str]] = {
    "suite.library": "The national algorithms (SM2, SM3, SM4) need OpenSSL 3, which this system lacks. Install "
    "libssl3, or name a library in WAYSTATION_LIBCRYPTO. 本机没有支持国密算法的 OpenSSL 3，未启动。",
    "suite.self-test": "A published example of a cryptographic algorithm came out wrong on this machine, so nothing "
    "was started. Check its OpenSSL and its hardware. 密码算法自检未通过，未启动。",
    "store.suite": "This database was begun with another cryptographic suite than the identity record names. Nothing "
    "was changed; put back the keys that belong to it. 数据库与身份记录的密码套件不一致，未启动。",
    "suite.unknown": "This directory is of a site whose cryptographic suite this version does not know. Use a newer "
    "one. 本版本不认识此站点的密码套件，未启动。",
}
