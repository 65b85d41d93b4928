"""How good alarms are: the protocol, the measures and their intervals."""
