"""Tables every feature of this box may need: the ledger of paper."""
