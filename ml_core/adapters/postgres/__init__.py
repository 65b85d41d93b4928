"""PostgreSQL: the connection, values on their way in and out, locks, the schema."""
