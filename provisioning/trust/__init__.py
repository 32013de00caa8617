"""Who is who at a site: its certificate authority, one-time cards, enrolment, trust bundle and broker rules."""
