"""The durable steps of a node: each unit of work has a name, and is announced just before and just after its commit.

In service nobody listens. The simulator stops a node's process at such a place, or lets the commit fail there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

Point = Callable[[str], None]
"""Told `step:before` and `step:after`. What it raises ends the unit as any other fault there would."""

STEPS: Final[Mapping[str, str]] = {
    "act": "a person's or a device's act",
    "start": "the opening of a new incarnation",
    "tally": "one counter",
    "salvage.put": "what a damaged database still proved, in its place again",
    "repair.told": "the audit line of a repair",
    "ack.apply": "marks and receipts of an acknowledgement or welcome",
    "fact.withhold": "a fact of which only the digest travels from now on",
    "log.prune": "own facts dropped that the hub's backups hold, and the anchor that stays",
    "mirror.drop": "some of a scope's mirror let go for want of room, and that it is not here",
    "mirror.return": "a scope let go may begin anew",
    "blob.drop": "bytes that the hub holds let go for want of room",
    "epoch.obey": "a higher hub epoch: marks forgotten, cursors to repair",
    "scopes.set": "another set of scopes, copies of the ones left evicted",
    "round.apply": "the tails of one set of heads",
    "repair.apply": "the hub's word on differing buckets",
    "snapshot.stage": "segments of a snapshot that have come whole",
    "snapshot.drop": "a snapshot on its way given up",
    "snapshot.apply": "a scope begun: snapshot, tail and cursor",
    "stream.thaw": "a stopped stream closed, what lay beyond issued again or given up",
    "history.regain": "own facts that the hub gave back",
    "sets.checked": "when set hashes were last compared",
    "blob.start": "blobs that waited for a signature are asked for again",
    "blob.mark": "how far a blob is: accepted, or signed for",
    "blob.ask": "a blob that a node means to bring",
    "blob.hold": "a blob that is whole at the hub",
    "batch.append": "batches taken into custody",
    "digest.run": "a run of the digest: annotations, folds, feeds and the cursor",
    "entity.forget": "an entity past retention deleted, and its leave in every feed",
    "entities.reread": "states that another release folded, folded again",
    "segment.keep": "a full segment, signed",
    "checkpoint.publish": "checkpoints for a repair and the floors they raise",
    "snapshot.publish": "a snapshot and the floors it raises",
    "feed.forget": "entries below two snapshots and older than 30 days deleted",
    "lease.grant": "the hub's answer to an ask, or a person's word on a lease",
    "lease.start": "what a process start made of the leases on disk",
    "lease.take": "the hub's word on a lease",
    "lease.mark": "the meter of leases, and what it ended",
    "lease.doubt": "leases put to sleep",
    "lease.return": "a lease given back",
    "lease.witness": "the file outside the data folder that counts uses",
    "key.change": "a machine's word that another key takes the place of its own",
    "node.key": "another signing key of a machine, by its own word or the hub's",
    "node.leaf": "another certificate of a machine",
    "node.learn": "a machine known again by its identity record",
    "hello.note": "a node's newest hello",
    "seen.note": "nodes heard and refusals counted",
    "epoch.raise": "the hub's epoch in the database",
    "refill.end": "everything is given back: heads may be told again",
    "revoked.again": "machines shut out that a database put back does not know as such",
    "epoch.tick": "the hub's tick in the database",
    "epoch.file": "the file beside the database that only rises",
}
"""Every name once, with what is durable after it."""

LETTING_GO: Final = frozenset({"log.prune", "mirror.drop", "blob.drop"})
"""Steps that make room on a full disk: where one of them finds none, nothing more is tried."""


def nothing(place: str) -> None:
    """Nobody listens."""
