"""How machines come to be: their identities, the demo that runs a whole site, the commands people type."""
