"""How good alarms are: the product's detectors and their rivals on labelled series, by one protocol."""
