"""Leases of the machines as an administrator sees them: granted, taken back, and what must be looked at."""
