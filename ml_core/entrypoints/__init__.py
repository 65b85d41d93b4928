"""Ways in: command line, scheduler, host."""
