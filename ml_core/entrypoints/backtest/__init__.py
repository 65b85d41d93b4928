"""History replayed under other settings, by the tasks themselves, beside the site and never in it."""
