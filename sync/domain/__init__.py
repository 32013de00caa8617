"""The shared features: what facts say, what state they make, what may be decided. Strangers to one another."""
