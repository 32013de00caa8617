"""What every room of the hub stands on: its store, its clock and its civil date."""
