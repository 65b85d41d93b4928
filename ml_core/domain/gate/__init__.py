"""The gate: which challenger may replace a champion, at promotion, on trial and on its first day."""
