"""Pure decisions about what a page says: numbers and ages in, messages out. No clock, no IO, no web framework."""
