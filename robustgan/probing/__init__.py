"""Probes: what is measured to find out whether the attacks are strong (strength/ judges it)."""

from robustgan.probing.measuring import measure

__all__ = ["measure"]
