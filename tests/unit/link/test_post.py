from __future__ import annotations

import threading
import time

from hub.link.post import WAITING_MAX, Post

NODE = "courier-aaaaaaaa"
SITE = frozenset({"site"})


def test_a_message_ends_the_wait() -> None:
    post = Post()
    assert post.wait(NODE, SITE, 0) == ([], frozenset())
    threading.Timer(0.05, post.deliver, (NODE, [b"ack"])).start()
    assert post.wait(NODE, SITE, 20) == ([b"ack"], frozenset())


def test_only_the_scopes_a_node_holds_wake_it() -> None:
    post = Post()
    post.wait(NODE, SITE, 0)
    post.moved(["ward:W1"])
    assert post.wait(NODE, SITE, 0) == ([], frozenset())
    post.moved(["site", "ward:W1"])
    assert post.wait(NODE, SITE, 0) == ([], SITE)
    assert post.wait(NODE, SITE, 0) == ([], frozenset())


def test_who_never_asks_gathers_no_post() -> None:
    post = Post()
    post.deliver(NODE, [b"ack"])
    assert post.wait(NODE, SITE, 0) == ([], frozenset())


def test_the_newest_messages_are_kept() -> None:
    post = Post()
    post.wait(NODE, SITE, 0)
    post.deliver(NODE, [bytes((n,)) for n in range(WAITING_MAX + 5)])
    assert post.wait(NODE, SITE, 0)[0] == [bytes((n,)) for n in range(5, WAITING_MAX + 5)]


def test_asking_again_gives_up_the_earlier_question() -> None:
    """A node on a bad line calls anew while the hub still holds its last long poll."""
    post = Post()
    answers: list[object] = []
    first = threading.Thread(target=lambda: answers.append(post.wait(NODE, SITE, 60)))
    first.start()
    deadline = time.monotonic() + 20
    while first.is_alive() and time.monotonic() < deadline:
        post.wait(NODE, SITE, 0.01)
    assert answers == [([], frozenset())]
    post.deliver(NODE, [b"ack"])
    assert post.wait(NODE, SITE, 20)[0] == [b"ack"]


def test_closing_ends_all_waiting() -> None:
    post = Post()
    waiting = threading.Thread(target=post.wait, args=(NODE, SITE, 60))
    waiting.start()
    post.close()
    waiting.join(20)
    assert not waiting.is_alive()
