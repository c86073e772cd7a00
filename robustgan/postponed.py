"""A module that is imported when it is first used: pandas alone takes longer to import than a run takes to plan.

Only the command line does this, in its own process and before it does anything else. All other modules import pandas,
NumPy and SciPy at their top as ever; whoever touches a table or an array loads them then. The standard library's
LazyLoader does not help: an `import` statement looks at the module that it finds, and that look is enough to load it
(Python 3.11 to 3.14).
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any


class Postponed(ModuleType):
    """Stands in for a module until one of its names is asked for, then has all of them."""

    def __getattr__(self, name: str) -> Any:
        """Load the module: a name is missing, as all are before that."""
        module = self.__name__
        if sys.modules.get(module) is self:
            del sys.modules[module]
        real = importlib.import_module(module)
        self.__dict__.update(vars(real))
        return getattr(real, name)


def postpone(module: str) -> None:
    """Import a module when it is first used; nothing happens where it is loaded already, or not installed."""
    spec = None if module in sys.modules else importlib.util.find_spec(module)
    if spec:
        stand_in = Postponed(module)
        stand_in.__spec__ = spec  # whoever asks whether the module is installed is told the truth
        sys.modules[module] = stand_in
