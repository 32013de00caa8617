"""Who may do what: people, their badges and roles, and the rights that roles carry."""
