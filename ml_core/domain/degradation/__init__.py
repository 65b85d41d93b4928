"""Degradation without labels: the test of one model, and error control over the fleet."""
