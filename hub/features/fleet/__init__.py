"""The site's machines: their ledgers, how they were last heard, how new ones join and lost ones are shut out."""
