"""What is kept in PostgreSQL: registries, logs and ledgers, one port a module."""
