"""Pure rules: detection, model life, statistics. No input or output, no clock."""
