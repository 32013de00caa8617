"""Accounts: who works here, with which roles, by which badge, and the hub password."""
