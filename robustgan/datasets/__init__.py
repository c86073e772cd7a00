"""Data sets: one file each. `kind: breakhis` in a config means `datasets/breakhis.py`."""
