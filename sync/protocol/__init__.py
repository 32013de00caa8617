"""What travels between a node and its hub: bytes, messages, feeds and the session that speaks them. No IO."""
