"""Who did what: sign-ins, imports, prints, corrections, names shown, people and machines changed."""
