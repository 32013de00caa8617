"""The broker's rules, proven on a real mosquitto over TLS: what it is told is one thing, what it does another."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from provisioning.trust.broker import Broker
from provisioning.trust.ca import make_root
from sync.adapters.clock import SystemClock
from sync.kernel.limits import MQTT_PAYLOAD_BYTES_MAX
from sync.kernel.outcome import Unavailable

ONE, TWO = "courier-aaaaaaaa", "courier-bbbbbbbb"
WORKER = "hub-aaaaaaaa.w1"


def _eventually(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not what():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


@pytest.mark.row("H35.6")
def test_a_node_writes_up_and_reads_down_under_its_own_name_only(site) -> None:
    hub, one, two = site.client(WORKER), site.client(ONE), site.client(TWO)
    hub.subscribe("way/1/n/+/up/#")
    two.subscribe(f"way/1/n/{ONE}/down/#")
    one.subscribe(f"way/1/n/{ONE}/down/#")
    assert two.publish(f"way/1/n/{ONE}/up/batch", b"forged") == "Not authorized"
    assert two.publish(f"way/1/n/{TWO}/down/ack", b"forged") == "Not authorized"
    assert two.publish("way/1/all/down/trust", b"forged", retain=True) == "Not authorized"
    assert two.publish(f"way/1/n/{TWO}/up/batch", b"own") in ("Success", "No matching subscribers")
    assert hub.next() == (f"way/1/n/{TWO}/up/batch", b"own"), "the forged ones never arrived"
    hub.publish(f"way/1/n/{ONE}/down/ack", b"for one")
    assert one.next() == (f"way/1/n/{ONE}/down/ack", b"for one")
    # The broker granted the subscription; a message of two's own, sent later, is the first that it gets.
    two.subscribe(f"way/1/n/{TWO}/down/#")
    hub.publish(f"way/1/n/{TWO}/down/ack", b"for two")
    assert two.next() == (f"way/1/n/{TWO}/down/ack", b"for two")


def test_a_head_reaches_only_who_holds_the_label(site) -> None:
    hub = site.client(WORKER)
    for label in ("ward:W12", "ward:W7"):
        hub.publish(f"way/1/scope/{label}/head", label.encode(), retain=True)
    one, two = site.client(ONE), site.client(TWO)
    for client in (one, two):
        client.subscribe("way/1/scope/+/head")
        client.subscribe("way/1/all/down/#")
    hub.publish("way/1/all/down/notice", b"end")
    assert [one.next()[1], one.next()[1]] == [b"ward:W12", b"end"]
    assert [two.next()[1], two.next()[1]] == [b"ward:W7", b"end"]


def test_a_label_given_later_counts_for_the_open_connection(site) -> None:
    hub, two = site.client(WORKER), site.client(TWO)
    two.subscribe("way/1/scope/+/head")
    rules = site.broker.rules
    site.broker.tell(replace(rules, scopes={**rules.scopes, TWO: frozenset({"ward:W12"})}))
    hub.publish("way/1/scope/ward:W7/head", b"taken away")
    hub.publish("way/1/scope/ward:W12/head", b"given")
    assert two.next() == ("way/1/scope/ward:W12/head", b"given")


def test_a_stolen_client_id_takes_nothing_over(site) -> None:
    hub, one = site.client(WORKER), site.client(ONE)
    one.subscribe(f"way/1/n/{ONE}/down/#")
    thief = site.client(TWO, client_id=ONE)
    thief.subscribe(f"way/1/n/{ONE}/down/#")
    hub.publish(f"way/1/n/{ONE}/down/ack", b"still mine")
    assert one.next() == (f"way/1/n/{ONE}/down/ack", b"still mine")
    assert not one.lost.is_set()
    assert thief.got.empty()


def test_a_revoked_node_is_cut_live_and_refused_afterwards(site) -> None:
    hub, one, two = site.client(WORKER), site.client(ONE), site.client(TWO)
    hub.subscribe("way/1/n/+/up/#")
    tls = site.tls(TWO)
    again = site.client(TWO, tls=tls)
    _eventually(two.lost.is_set)
    again.subscribe(f"way/1/n/{TWO}/down/#")
    site.withdraw(site.serials[TWO])
    site.broker.tell(replace(site.broker.rules, revoked=frozenset({TWO})))
    assert again.publish(f"way/1/n/{TWO}/up/batch", b"too late") == "Not authorized"
    hub.publish(f"way/1/n/{TWO}/down/ack", b"not for you")
    assert one.publish(f"way/1/n/{ONE}/up/batch", b"goes on") == "Success"
    assert hub.next() == (f"way/1/n/{ONE}/up/batch", b"goes on")
    assert again.got.empty()
    assert not one.lost.is_set()
    assert _refused(site.broker.port, tls)
    assert not _refused(site.broker.port, site.tls(ONE))


def test_only_this_sites_certificates_get_in(site) -> None:
    stranger = make_root("test", SystemClock().wall_ms())
    assert _refused(site.broker.port, site.tls(ONE, root=stranger))
    bare = ssl.create_default_context(cadata=site.root.certificate_pem.decode())
    assert _refused(site.broker.port, bare)
    with socket.create_connection(("127.0.0.1", site.broker.port), timeout=20) as plain:
        plain.sendall(b"\x10\x0c\x00\x04MQTT\x04\x02\x00<\x00\x00")
        assert _ended(plain), "no CONNACK without TLS"


def test_a_message_too_large_ends_that_connection_alone(site) -> None:
    hub, one, two = site.client(WORKER), site.client(ONE), site.client(TWO)
    hub.subscribe("way/1/n/+/up/#")
    assert one.publish(f"way/1/n/{ONE}/up/batch", bytes(MQTT_PAYLOAD_BYTES_MAX)) == "Success"
    assert len(hub.next()[1]) == MQTT_PAYLOAD_BYTES_MAX
    one.mqtt.publish(f"way/1/n/{ONE}/up/batch", bytes(2 * MQTT_PAYLOAD_BYTES_MAX), 1)
    _eventually(one.lost.is_set)
    assert two.publish(f"way/1/n/{TWO}/up/batch", b"unharmed") == "Success"
    assert hub.next()[1] == b"unharmed"


def test_a_restart_lets_everyone_back_in(site) -> None:
    one = site.client(ONE)
    site.broker.restart()
    _eventually(one.lost.is_set)
    again = site.client(ONE)
    assert again.publish(f"way/1/n/{ONE}/up/batch", b"x") in ("Success", "No matching subscribers")


def test_a_broker_left_behind_is_ended_by_the_next_start(site) -> None:
    left = int((site.broker.listener.folder / "broker.pid").read_text())
    site.broker._process = None  # what a killed hub leaves: a child nobody waits for
    next_broker = Broker(site.broker.listener, site.broker.rules)
    next_broker.start()
    try:
        _eventually(lambda: _gone(left))
        assert next_broker.running
    finally:
        next_broker.stop()
    assert not (site.broker.listener.folder / "broker.pid").exists()


@pytest.mark.row("F10.14")
def test_a_broker_that_died_is_started_again_and_one_that_was_stopped_is_not(site) -> None:
    assert not site.broker.keep_running(), "it runs"
    os.kill(int((site.broker.listener.folder / "broker.pid").read_text()), signal.SIGKILL)
    _eventually(lambda: not site.broker.running)
    site.broker.tell(replace(site.broker.rules, revoked=frozenset({TWO})))
    assert site.broker.keep_running() and site.broker.running
    site.broker.stop()
    assert not site.broker.keep_running() and not site.broker.running


def test_a_pid_that_is_another_program_now_is_left_alone(site) -> None:
    site.broker.stop()
    other = subprocess.Popen(["sleep", "600"])
    try:
        (site.broker.listener.folder / "broker.pid").write_text(str(other.pid))
        site.broker.start()
        assert other.poll() is None
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()


def test_a_taken_port_is_said_and_nothing_stays(site) -> None:
    taken = replace(site.broker.listener, folder=site.folder / "second")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        taken = replace(taken, port=holder.getsockname()[1])
        broker = Broker(taken, site.broker.rules)
        with pytest.raises(Unavailable) as why:
            broker.start()
    assert str(why.value) == "broker.start"
    assert not broker.running


def _refused(port: int, tls: ssl.SSLContext) -> bool:
    """Whether a TLS connection with this certificate ends before MQTT begins (TLS 1.3 says so only on first read)."""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=20) as raw,
            tls.wrap_socket(raw, server_hostname="localhost") as line,
        ):
            line.sendall(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x")
            return line.recv(4) == b""
    except (ssl.SSLError, ConnectionError):
        return True


def _ended(line: socket.socket) -> bool:
    try:
        return line.recv(4) == b""
    except ConnectionError:
        return True


def _gone(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return not Path(f"/proc/{pid}").exists()
