"""Carrying by hand: what this box has for the centre onto a stick, what the centre answered back in."""
