"""What this box knows of records: who should have which, and who has it. Other features read `custody_v`, `taken_v`."""
