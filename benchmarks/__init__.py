"""Figures anyone can measure again: side by side with named peers, in one run."""
