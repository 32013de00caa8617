"""One box: what runs at a records room or on a courier's hand-held, with or without the line."""
