"""Name and password at the hub, and the sessions that follow."""
