"""The table of suites. None is handed out before its published examples came out right in this very process."""

from __future__ import annotations

import os
from functools import cache

from sync.adapters.keys.libcrypto import Libcrypto, named
from sync.kernel.guomi import Suite2
from sync.kernel.outcome import Unavailable
from sync.kernel.suite import Suite, suite1
from sync.kernel.vectors import failing


@cache
def suite_of(number: int) -> Suite:
    """The suite of this number, tried once per process.

    Raises Unavailable `suite.unknown`; `suite.library` where the system has no OpenSSL 3 with SM2; `suite.self-test`
    where an example came out wrong.
    """
    if number == 1:
        wrong = failing(suite1)
        suite: Suite = suite1
    elif number == 2:
        sm2 = Libcrypto(named())
        suite = Suite2(sm2, os.urandom)
        try:
            wrong = failing(suite, sm2)
        except ValueError as why:  # a Python whose OpenSSL has no SM3
            raise Unavailable("suite.library", 0.0) from why
    else:
        raise Unavailable("suite.unknown", 0.0)
    if wrong:
        raise Unavailable("suite.self-test", 0.0) from ValueError(", ".join(wrong))
    return suite
