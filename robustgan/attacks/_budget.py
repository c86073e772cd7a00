"""What a strong attack costs: counted before it runs, so that it can be said before it runs."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from pydantic import Field

Count = Annotated[int, Field(ge=1)]


class Budget(NamedTuple):
    """What an attack costs an image that stands; a point that fools as floats alone costs one forward pass more."""

    runs: int
    steps: int  # of a run
    backwards: int  # gradients in all
    forwards: int  # forward passes in all
