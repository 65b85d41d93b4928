"""The adaptive detector: many cautious witnesses, each judged against its own past, one reading at a time."""
