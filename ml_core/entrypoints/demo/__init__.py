"""Several nights of the schedule on real series, for somebody who sees this project for the first time."""
