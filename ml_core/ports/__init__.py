"""What the services need from outside, one protocol a file."""
