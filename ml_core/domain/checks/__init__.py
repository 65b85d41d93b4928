"""Health checks, and the health that follows from them."""
