"""Making nodes and talking to running ones from outside: what the command line and the demo share."""
