"""Leases on a box: what is on disk of them, what is asked for, and what features may use."""
