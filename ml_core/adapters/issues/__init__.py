"""Issue trackers: GitHub, and a folder of rendered issues."""
