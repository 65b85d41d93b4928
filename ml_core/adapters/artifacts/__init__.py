"""Artifacts and archives: files that are there whole or not at all."""
