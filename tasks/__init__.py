"""Orchestrator tasks: each parses its parameters, calls one service and returns a result."""
