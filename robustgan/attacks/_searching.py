"""Settings of Square: alone it is an attack, with others a part of an ensemble. `_square.py` has the search."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from robustgan.attacks._budget import Budget, Count
from robustgan.config import Spec

if TYPE_CHECKING:
    from robustgan.attacks._siege import Attempt


class Searching(Spec):
    """How the Square attack searches."""

    queries: Count = 1000  # images shown in the place of each; the image itself is shown once besides

    @property
    def label(self) -> str:
        """What tables call this search."""
        return "square"

    def budget(self, classes: int) -> Budget:
        """What the search costs an image."""
        return Budget(1, self.queries, 0, self.queries)

    def attempts(self, classes: int) -> Iterator[Attempt]:
        """The one search."""
        from functools import partial

        from robustgan.attacks import _square

        yield partial(_square.search, queries=self.queries)
