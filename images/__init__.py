"""Pages and DICOM: what leaves this house on sheets, and what comes in as pictures."""
