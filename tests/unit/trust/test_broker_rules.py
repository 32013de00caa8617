from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.trust.broker_rules import Listener, Rules, render_acl, render_conf
from provisioning.trust.names import check_common_name, worker_name
from sync.kernel.outcome import PeerFault


def test_the_acl_reads_as_it_was_meant() -> None:
    rules = Rules(
        workers=frozenset({"hub-abcdefgh.w1"}),
        scopes={"courier-abcdefgh": frozenset({"ward:W12", "site"}), "courier-lost": frozenset({"site"})},
        revoked=frozenset({"courier-lost"}),
    )
    assert render_acl(rules) == (
        "user hub-abcdefgh.w1\n"
        "topic readwrite way/1/#\n"
        "\n"
        "user courier-lost\n"
        "topic deny way/1/#\n"
        "\n"
        "user courier-abcdefgh\n"
        "topic read way/1/scope/site/head\n"
        "topic read way/1/scope/ward:W12/head\n"
        "\n"
        "pattern write way/1/n/%u/up/#\n"
        "pattern read way/1/n/%u/down/#\n"
        "pattern read way/1/n/%u/up/presence\n"
        "pattern read way/1/all/down/#\n"
    )


@pytest.mark.parametrize("label", ["ward:#", "ward:+", "ward:W1\ntopic readwrite #", "", "ward:a/b"])
def test_no_label_widens_a_rule(label: str) -> None:
    with pytest.raises(PeerFault):
        render_acl(Rules(workers=frozenset(), scopes={"courier-abcdefgh": frozenset({label})}))


@pytest.mark.parametrize("name", ["", "a", "+", "#", "a/bcd", "ABCD", "hub-x.w0", "hub-x.w1\n", "courier-x.w1", "%u%u"])
def test_no_name_widens_a_rule(name: str) -> None:
    with pytest.raises(AssertionError):
        check_common_name(name)


def test_a_worker_has_its_own_name() -> None:
    assert worker_name("hub-abcdefgh", 1) == "hub-abcdefgh.w1"


@pytest.mark.parametrize(("as_root", "said"), [(True, True), (False, False)])
def test_root_stays_root_only_when_it_is_root(as_root: bool, said: bool) -> None:
    here = Path("/here")
    conf = render_conf(Listener(here, here / "ca", here / "crt", here / "key", here / "crl", 8883), as_root=as_root)
    assert ("user root" in conf.splitlines()) is said
    assert "listener 8883 127.0.0.1" in conf.splitlines()
