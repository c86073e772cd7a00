"""Classifiers: one file each. `kind: densenet` in a config means `models/densenet.py`."""
