"""PostgreSQL, GitHub, files and the rest of the outside world."""
