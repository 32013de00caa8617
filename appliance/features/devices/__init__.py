"""What hangs on this box: guns, printers, how they are, and the paper that waits for them."""
