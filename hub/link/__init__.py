"""The hub's side of the line: one door for every carrier, the feeds' desk, and the digest that follows."""
