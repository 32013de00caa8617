"""Large sealed bytes and what they belong to."""
