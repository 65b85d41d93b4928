"""The PostgreSQL that needs no set-up."""
