"""Our own database: the truth about every order, and what was done about it."""
