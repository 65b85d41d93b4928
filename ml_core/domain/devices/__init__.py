"""Devices: episodes of one machine's metrics together, and whether the machine or a sensor is suspected."""
