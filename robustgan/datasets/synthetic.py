"""Simulated breast tissue, written as a BreakHis tree: no download, patients and magnifications as in the real thing.

The eight diagnoses differ by what pathologists look at (nuclear size, unevenness, crowding, architecture), patients by
dyes, section and body (robustgan/simulator/). Accessions are of the year 99, which no real specimen has.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
from pydantic import Field

from robustgan.config import Number
from robustgan.interfaces import Dataset
from robustgan.journal import Tick


class Synthetic(Dataset):
    """Simulated patients. The same settings give the same bytes; more patients leave the first ones as they were."""

    patients: Annotated[int, Field(ge=2, le=9999)] = 64
    fields: Annotated[int, Field(ge=1, le=999)] = 3  # a patient; each is seen at 40X, 100X, 200X and 400X
    width: Annotated[int, Field(ge=32, le=2800)] = 140  # pixels
    height: Annotated[int, Field(ge=32, le=2800)] = 92
    seed: Annotated[int, Field(ge=0)] = 0
    malignant: Annotated[Number, Field(gt=0, lt=1)] = 0.5  # share of patients

    @property
    def source(self) -> str:
        """What the images are."""
        return "simulated by robustgan; stain vectors of Ruifrok and Johnston (2001)"

    def locate(self, data: Path, folder: Path) -> Path:
        """The tree is made in the stage's own folder."""
        return folder / "tree"

    def make(self, root: Path, tick: Tick) -> None:
        """Paint every picture."""
        from robustgan.simulator.tree import Study, write_tree

        study = Study(self.patients, self.fields, self.width, self.height, self.seed, self.malignant)
        write_tree(root, study, tick)

    def manifest(self, root: Path, tick: Tick) -> pd.DataFrame:
        """List the pictures, as for BreakHis itself."""
        from robustgan.datasets.breakhis import scan

        return scan(root, partial=True, tick=tick)
