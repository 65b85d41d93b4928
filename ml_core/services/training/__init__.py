"""From readings to a model that serves: first models, retraining, gate, trial, roll back."""
