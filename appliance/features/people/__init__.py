"""Who may work on this box: badges and PINs that came down with `site:people`, and sessions of this box alone."""
