"""This box's screen: what the kit asks of a node, and the server behind it."""
