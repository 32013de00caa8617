"""Copies of the hub away from its machine, and the way back from them."""
