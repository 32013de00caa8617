"""Facts on disk: the node's log, the folded entities, the outbox, and at the hub the feeds.

One SQLCipher file a node, WAL, `synchronous=FULL`, one writing connection that also checkpoints. `DESIGN.md` beside
this file tells how the tables hang together.
"""
