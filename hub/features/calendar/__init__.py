"""Working days and wards: what the state published, what this hospital set, and each ward's limit."""
