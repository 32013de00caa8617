"""The hub's rule that keeps the due list in step with what the hospital and the records room say."""
