"""What two nodes must agree on: facts, order, merge laws, state machines and the wire.

Pure, except `sync.adapters`. If two nodes disagreed about a line in here, shared data would go wrong.
"""
