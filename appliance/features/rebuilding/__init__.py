"""Bringing back a lost hand-held's batch from the codes of its receipt."""
