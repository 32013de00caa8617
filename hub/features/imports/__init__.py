"""Discharges arrive: lists (CSV, xlsx) and HL7 v2 ADT messages become rows and events, and faults with their places."""
