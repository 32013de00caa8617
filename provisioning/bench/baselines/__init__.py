"""What our figures are compared with: programs of others, started beside ours in the same run."""
