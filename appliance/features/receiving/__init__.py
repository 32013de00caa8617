"""The records room's counter: what a courier hands in, scanned, counted, labelled and settled."""
