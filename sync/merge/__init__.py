"""What becomes of one field when several wrote it: shapes, laws and state tables, and nothing of any feature."""
