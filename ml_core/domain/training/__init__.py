"""Training: what a model may learn from, and when it is due."""
