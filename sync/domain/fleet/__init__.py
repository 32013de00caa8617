"""The machines of a site, and what was done on them."""
