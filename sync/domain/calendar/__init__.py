"""Working days: what the state has published, what the hospital has set, and the wards' limits."""
