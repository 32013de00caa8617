"""A whole site on one machine: hub, broker, appliances, device twins and a line between them that can fail."""
