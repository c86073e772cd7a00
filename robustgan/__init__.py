"""robustgan: how easily is a pathology classifier fooled, where, and how sure are we?"""

__version__ = "0.1.0"
