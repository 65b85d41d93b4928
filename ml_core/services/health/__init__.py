"""The daily verdicts: health checks and degradation."""
