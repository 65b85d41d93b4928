"""From findings to incidents, and from incidents to issues that people can triage."""
