"""Readings: from files, from the mapped relation, into our own table."""
