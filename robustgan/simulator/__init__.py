"""A procedural haematoxylin-eosin section of the breast: laid out once in micrometres, looked at under four objectives.

Read `subtypes.py` for what the eight diagnoses look like, `render.py` for how a layout becomes pixels, `tree.py` for
how the pictures become a BreakHis tree. No torch here.
"""
