"""The patient's side of a discharged record: the name on the ward's list of records to be collected."""
