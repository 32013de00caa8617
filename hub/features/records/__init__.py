"""Where every record is, who had it when, and the questions that a person has to settle."""
