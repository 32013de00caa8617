"""The box's side of the line: the session's effects performed on the store and on whichever carrier answers."""
