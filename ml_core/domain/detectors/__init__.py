"""Detectors: what is learned of a series and what is said of its readings."""
