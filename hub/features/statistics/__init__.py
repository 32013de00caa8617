"""What was collected, by ward, courier and day, and how much of it in time."""
