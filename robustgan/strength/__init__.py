"""Is the attack strong enough to believe? Checks on what the probes measured; no torch."""
