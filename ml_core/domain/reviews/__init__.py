"""Reviews: what people said, and the rates that follow."""
