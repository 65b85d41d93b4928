"""Explanations: the ordered steps behind a decision, from stored evidence."""
