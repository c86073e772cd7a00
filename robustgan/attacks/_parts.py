"""The strong attacks as parts of an ensemble.

Each has a file of settings of its own: an attack that stands alone must not depend on the code of the others
(`store.code_digest`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from robustgan.attacks._climbing import Climbing
from robustgan.attacks._searching import Searching
from robustgan.attacks._walking import Walking


class ClimbingPart(Climbing):
    """Auto-PGD as a part of an ensemble."""

    part: Literal["apgd"] = "apgd"


class WalkingPart(Walking):
    """FAB as a part of an ensemble."""

    part: Literal["fab"] = "fab"


class SearchingPart(Searching):
    """Square as a part of an ensemble."""

    part: Literal["square"] = "square"


Part = Annotated[ClimbingPart | WalkingPart | SearchingPart, Field(discriminator="part")]
