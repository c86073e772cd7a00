"""Attacks: one file each. `kind: pgd` in a config means `attacks/pgd.py`."""
