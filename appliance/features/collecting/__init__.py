"""A courier's round: due list, scans, hand-over, receipt, rebuilding a lost hand-held's batch."""
