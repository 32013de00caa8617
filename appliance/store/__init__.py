"""What every feature of this box may need: custody of records, the site's words and days, the ledger of paper."""
