"""Probes: what is measured to find out whether the attacks are strong (strength/ judges it)."""
